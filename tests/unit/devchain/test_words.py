"""Words of both languages: comments are none, a string is one."""

from chaosnet.devchain.words import JAVASCRIPT, LUA, line_of, words_of


def test_lua() -> None:
    source = """-- no words
local x = a.b + 'it''s "q"' .. [[long
string]] --[[ nor
here ]] x=-1"""
    words = words_of(source, LUA)
    assert [word.text for word in words if word.kind == "name"] == ["local", "x", "a", "b", "x"]
    signs = [word.text for word in words if word.kind == "sign"]
    assert signs == ["=", ".", "+", "..", "=", "-"]
    assert all(source[word.at : word.end] == word.text for word in words)
    assert line_of(source, words[-1].at) == 4


def test_javascript() -> None:
    source = "/* no */ const a = b?.c ** 2n; // no\nf(`x ${y} z`, 'q\\'s', /re\"x/g) => {}"
    words = words_of(source, JAVASCRIPT)
    names = [word.text for word in words if word.kind == "name"]
    assert names[:4] == ["const", "a", "b", "c"]
    assert "y" in names
    assert {"**", "=>"} <= {word.text for word in words if word.kind == "sign"}
    assert [word.content for word in words if word.text == "'q\\'s'"] == ["q\\'s"]
    assert all(source[word.at : word.end] == word.text for word in words)
