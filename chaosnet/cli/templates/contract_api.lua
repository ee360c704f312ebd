---@meta
-- What a contract in Lua finds, for editors that speak LuaLS. Nothing here runs.

---@alias address string
---@alias value nil|boolean|integer|string|bytes|table
---@alias rounding "down"|"up"

---@class bytes
---@operator len: integer
---@operator concat(bytes): bytes

---@class method
---@field kind "view"|"write"|"payable"
---@field args? string[] names and types: "to address", "note text?"
---@field returns? string
---@field doc? string
---@field reentrant? boolean
---@field run function

---@class declaration
---@field api 1
---@field name string
---@field version? string
---@field licence? string
---@field doc? string
---@field permissions? {transfer?: string[]|"any", call?: address[]|"any", issue?: boolean}
---@field events? table<string, string[]>
---@field errors? table<string, string>
---@field storage? table<string, string> "counter", "value T", "list T", "map K ... T"
---@field init? method
---@field methods table<string, method>

-- Declare the contract, once.
---@param fields declaration
function contract(fields) end

-- End the call: nothing that it did remains, and the receipt carries the text.
---@param text string
function revert(text) end

-- Revert with the text unless the condition holds; return the condition.
---@generic T
---@param condition T
---@param text? string
---@return T
function ensure(condition, text) end

-- What nil is inside a list or a map that crosses the border.
null = nil

-- Mark a table as a map: `{}` crosses the border as a list, `map{}` a map.
---@param entries? table<string, value>
---@return table<string, value>
function map(entries) end

-- Exact integers of 64 bits: what does not fit reverts.
int = {}
---@param a integer
---@param b integer
---@return integer
function int.add(a, b) end
---@param a integer
---@param b integer
---@return integer
function int.sub(a, b) end
---@param a integer
---@param b integer
---@return integer
function int.mul(a, b) end
---@param a integer
---@param b integer
---@param rounding rounding
---@return integer
function int.div(a, b, rounding) end
-- a * b / c with a product of 128 bits.
---@param a integer
---@param b integer
---@param c integer
---@param rounding rounding
---@return integer
function int.muldiv(a, b, c, rounding) end
---@param a integer
---@return integer
function int.sqrt(a) end

decimal = {}
-- "1.5" with 6 decimals is 1500000.
---@param text string
---@param decimals integer
---@return integer
function decimal.parse(text, decimals) end
---@param value integer
---@param decimals integer
---@return string
function decimal.format(value, decimals) end

---@overload fun(text: string): bytes
bytes = {}
---@param text string
---@return bytes
function bytes.from_text(text) end
---@param value bytes
---@return string
function bytes.to_text(value) end
---@param text string
---@return bytes
function bytes.from_hex(text) end
---@param value bytes
---@return string
function bytes.to_hex(value) end
---@param ... bytes
---@return bytes
function bytes.concat(...) end
-- `count` bytes after the first `skip`.
---@param value bytes
---@param skip integer
---@param count integer
---@return bytes
function bytes.slice(value, skip, count) end
---@param a bytes
---@param b bytes
---@return boolean
function bytes.equal(a, b) end
---@param value bytes
---@return integer
function bytes.size(value) end

---@class ctx
---@field self address
---@field caller address who called this method
---@field origin address who sent the transaction: for logs, never to decide anything
---@field action integer
---@field tx string
---@field height integer
---@field time integer ms
---@field chain string
---@field sent table<string, integer> asset -> amount
ctx = {}

---@return integer
function gas_left() end

-- Record an event that the contract declares.
---@param name string
---@param ... value
function emit(name, ...) end

-- Send from what the contract owns; the asset is COS unless named. Never runs code of the receiver.
---@param to address
---@param amount integer
---@param asset? string
function transfer(to, amount, asset) end

---@param to address
---@param amount integer
---@param asset string
---@param method string
---@param args? value[]
---@return value
function transfer_and_call(to, amount, asset, method, args) end

---@param address address
---@param asset? string
---@return integer
function balance(address, asset) end

---@class call_options
---@field sent? table<string, integer>
---@field fuel? integer

-- When it fails, this call fails.
---@param contract address
---@param method string
---@param args? value[]
---@param options? call_options
---@return value
function call(contract, method, args, options) end

-- The same, but nothing may change.
---@param contract address
---@param method string
---@param args? value[]
---@param options? call_options
---@return value
function static_call(contract, method, args, options) end

-- The same as call, but a failure is an answer.
---@param contract address
---@param method string
---@param args? value[]
---@param options? call_options
---@return {ok: boolean, value: value, code: string?, text: string?}
function try_call(contract, method, args, options) end

---@param kind "sha256"|"sha512"
---@param data bytes|string
---@return string hex
function hash(kind, data) end

---@param kind "ed25519"
---@param key bytes
---@param message bytes
---@param signature bytes
---@return boolean
function verify(kind, key, message, signature) end

-- In tests only; a running chain ignores it.
---@param ... any
function print(...) end

---@class token_options
---@field symbol string
---@field name? string
---@field decimals? integer
---@field max? integer
---@field issue? address
---@field freeze? address
---@field pause? address
---@field clawback? address
---@field reserve? {motes: integer, tokens: integer, fee?: integer, withdraw?: address}

token = {}
-- Make a token; answers its id.
---@param to address
---@param amount integer
---@param options token_options
---@return string
function token.create(to, amount, options) end
---@param asset string
---@param to address
---@param amount integer
function token.issue(asset, to, amount) end
---@param asset string
---@param amount integer
function token.burn(asset, amount) end
-- Let a spender take up to `new` until the height `expiry`; refused unless the allowance is `expected` now.
---@param asset string
---@param spender address
---@param expected integer
---@param new integer
---@param expiry integer
function token.approve(asset, spender, expected, new, expiry) end
---@param asset string
---@param from address
---@param to address
---@param amount integer
function token.transfer_from(asset, from, to, amount) end
---@param asset string
---@param owner address
---@param spender address
---@return integer
function token.allowance(asset, owner, spender) end
---@param asset string
---@return table<string, value>?
function token.info(asset) end
---@param asset string
---@param change "hand_on"|"renounce"|"freeze"|"unfreeze"|"pause"|"unpause"|"clawback"|"fund"|"withdraw"
---@param details table<string, value>
function token.rights(asset, change, details) end
---@param asset string
---@param amount integer
---@param into string
---@param min_out integer
---@param expiry integer
---@return integer
function token.convert(asset, amount, into, min_out, expiry) end

---@class counter
---@field get fun(self): integer
---@field set fun(self, value: integer)
---@field add fun(self, amount: integer): integer
---@field sub fun(self, amount: integer): integer
---@field delete fun(self)
