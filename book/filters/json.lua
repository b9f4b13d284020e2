-- json.lua: JSON from and to Lua tables. Pandoc 2.17 has no pandoc.json.

local json = {}

local escapes = { b = '\b', f = '\f', n = '\n', r = '\r', t = '\t' }
local words = { ['true'] = true, ['false'] = false }

local function unescape(text)
  return (text:gsub('\\\\', '\0'):gsub('\\u(%x%x%x%x)', function (hex)
    return utf8.char(tonumber(hex, 16))
  end):gsub('\\(.)', function (c) return escapes[c] or c end):gsub('%z', '\\'))
end

local value

-- The string whose opening quote is at position at, and what follows it.
local function read_string(text, at)
  local close = at
  repeat
    close = text:find('"', close + 1, true) or error('a string has no end')
    local slashes = text:sub(at, close - 1):match('\\*$')
  until #slashes % 2 == 0
  return unescape(text:sub(at + 1, close - 1)), close + 1
end

-- Members until the bracket that closes; member(at) returns where it ends.
local function members(text, at, closing, member)
  at = text:match('^%s*()', at + 1)
  while text:sub(at, at) ~= closing do
    at = text:match('^%s*,?%s*()', member(at))
    if at > #text then error('a ' .. closing .. ' is missing') end
  end
  return at + 1
end

local function read_object(text, at)
  local object = {}
  return object, members(text, at, '}', function (start)
    local key, colon = read_string(text, start)
    object[key], start = value(text, text:match('^%s*:%s*()', colon))
    return start
  end)
end

local function read_array(text, at)
  local array = {}
  return array, members(text, at, ']', function (start)
    array[#array + 1], start = value(text, start)
    return start
  end)
end

function value(text, at)
  local first = text:sub(at, at)
  if first == '"' then return read_string(text, at) end
  if first == '{' then return read_object(text, at) end
  if first == '[' then return read_array(text, at) end
  local word, after = text:match('^([%w.+-]+)()', at)
  if not word then error('a value is missing') end
  if word == 'null' then return nil, after end
  if words[word] ~= nil then return words[word], after end
  return tonumber(word) or error('what is ' .. word .. '?'), after
end

-- The value a JSON text describes, or nil and why there is none.
function json.decode(text)
  local ok, result = pcall(value, text, text:match('^%s*()'))
  if ok then return result end
  return nil, (tostring(result):gsub('^.-:%d+: ', ''))
end

-- Text for a <script> element: nothing in it ends the element.
local function quote(text)
  return '"' .. text:gsub('[%c\\"]', function (c)
    return c == '\n' and '\\n' or c == '"' and '\\"' or c == '\\' and '\\\\'
      or ('\\u%04x'):format(c:byte())
  end):gsub('</', '<\\/'):gsub('<!', '\\u003c!') .. '"'
end

-- A table with a first element is an array, and so is an empty one.
function json.encode(x)
  if type(x) == 'string' then return quote(x) end
  if type(x) ~= 'table' then return tostring(x) end
  local parts = {}
  if x[1] ~= nil or next(x) == nil then
    for i, each in ipairs(x) do parts[i] = json.encode(each) end
    return '[' .. table.concat(parts, ',') .. ']'
  end
  for key, each in pairs(x) do
    parts[#parts + 1] = quote(key) .. ':' .. json.encode(each)
  end
  table.sort(parts)
  return '{' .. table.concat(parts, ',') .. '}'
end

return json
