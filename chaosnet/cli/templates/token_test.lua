local gold, id
before_each(function()
  gold = chain.deploy("@FILE@", {"GOLD", 2, 1000, 1500})
  id = gold.token()
end)

test("the owner begins with the supply, and sends without the contract", function()
  expect(chain.balance("alice", id)):equals(1000)
  chain.transfer("bob", 300, id)
  expect(chain.balance("bob", id)):equals(300)
end)

test("only the owner issues, and never over the most", function()
  gold.issue(accounts.bob, 500)
  expect_event("Issued", accounts.bob, 500)
  expect_revert("supply", function() gold.issue(accounts.bob, 1) end)
  expect_revert("only the owner", function() gold.with{as = "bob"}.issue(accounts.bob, 1) end)
end)

test("a closed token never grows again", function()
  gold.close()
  expect_revert("not_holder", function() gold.issue(accounts.bob, 1) end)
end)
