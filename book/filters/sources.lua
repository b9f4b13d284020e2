-- sources.lua: where definitions stand in a source file, by the layout rule
-- alone (CONTRIBUTING.md): the sources carry no marks for the book.
--
--   sources.find(lines, file, "start")       first and last line, or nil, why
--   sources.find(lines, file, "a..b")        from definition a through b
--   sources.head(lines, file)                last line of the head: what comes
--                                            before any code, data or type
--
-- A definition comes with what introduces it: the comment directly above and,
-- in NASM, the section, bits and align directives before it.

local sources = {}

-- A language is a function from lines to a list of definitions in order, each
-- { names =, first =, line =, last = }, and weak = true if it only declares,
-- constant = true if it is a number with a name: a macro, an equ, an enum without
-- a tag, inner = true if it is a local label. The line is the one with the name,
-- first that of what introduces it.

-- Without strings, characters and comments, so that brackets can be counted.
local function bare(line)
  return (line:gsub('\\.', ''):gsub("'[^']?'", '0'):gsub('".-"', '""')
    :gsub('/%*.-%*/', ''):gsub('//.*', ''))
end

local function depth_of(text)
  local _, open = text:gsub('[{(%[]', '')
  local _, close = text:gsub('[})%]]', '')
  return open - close
end

-- The first line of the comment that ends right above line first.
local function comment_above(lines, first, pattern)
  while first > 1 and lines[first - 1]:find(pattern) do first = first - 1 end
  return first
end

local function block_comment_above(lines, first)
  local line = lines[first - 1]
  if not line or not line:find('%*/%s*$') then return first end
  for i = first - 1, 1, -1 do
    if lines[i]:find('^%s*/%*') then return i end
    if lines[i]:find('/%*') then return first end  -- at the end of code
  end
  return first
end

-- C ------------------------------------------------------------------------

local function c_last(lines, first)
  local depth = 0
  if lines[first]:find('^#') then
    while lines[first]:find('\\$') do first = first + 1 end
    return first
  end
  for i = first, #lines do
    local code = bare(lines[i])
    depth = depth + depth_of(code)
    if lines[i]:find('^}') then return i end
    if depth <= 0 and code:find('[;}]%s*$') then return i end
  end
  return #lines
end

local function enumerators(body)
  local names = {}
  for part in body:gmatch('[^,]+') do
    names[#names + 1] = part:match('^%s*([%a_][%w_]*)')
  end
  return names
end

-- The names that a C definition, given as one string, defines.
local function c_names(text)
  local macro = text:match('^#%s*define%s+([%w_]+)')
  if macro then return { macro } end
  text = text:gsub('__attribute__%s*%b()', ''):gsub('_?_?[Aa]lignas%s*%b()', '')
  local head, body = text:match('^([^{=;]*){?(.*)$')
  local kind, tag = head:match('^(%a+)%s*([%w_]*)%s*$')
  if (kind == 'struct' or kind == 'union' or kind == 'enum') then
    if tag == '' then return enumerators(body:match('^[^}]*')) end
    return { tag, kind .. ' ' .. tag }
  end
  local pointer = head:match('^[^()]*%(%s*%*%s*([%w_]+)')
  local called = head:match('([%a_][%w_]*)%s*%(')
  local variable = head:gsub('%b[]', ''):match('([%a_][%w_]*)%s*$')
  return { pointer or called or variable }
end

local function c(lines)
  local list, i = {}, 1
  while i <= #lines do
    local line = lines[i]
    if line:find('^/%*') then
      while i < #lines and not lines[i]:find('%*/') do i = i + 1 end
    elseif line:find('^[%a_]') or line:find('^#%s*define') then
      local last = c_last(lines, i)
      local code = {}
      for k = i, last do code[#code + 1] = bare(lines[k]) end
      local text = table.concat(code, ' ')
      list[#list + 1] = {
        names = c_names(text), line = i,
        first = comment_above(lines, block_comment_above(lines, i), '^//'),
        last = last,
        constant = line:find('^#') or line:find('^enum%s*{'),
        weak = line:find('^extern') or not line:find('^typedef')
          and not line:find('^_Static_assert') and text:find('%)%s*;%s*$') and
          not text:find('[{=]'),
      }
      i = last
    end
    i = i + 1
  end
  return list
end

-- NASM ---------------------------------------------------------------------

local data = { db = 1, dw = 1, dd = 1, dq = 1, resb = 1, resw = 1, resd = 1,
  resq = 1, times = 1, incbin = 1 }
local directive = { section = 1, segment = 1, bits = 1, align = 1, alignb = 1,
  global = 1, extern = 1, default = 1 }
local introduces = { section = 1, segment = 1, bits = 1, align = 1, alignb = 1 }

-- The name a line in column 0 defines, and whether it is a line by itself.
local function nasm_name(line)
  local macro = line:match('^%%i?macro%s+([%w_]+)')
    or line:match('^%%x?i?define%s+([%w_]+)')
  if macro then return macro, line:find('^%%x?i?define') ~= nil end
  local label = line:match('^([%a_?][^%s:;]*):')
  if label then return label, false end
  local name, word = line:match('^([%a_?][%w_?]*)%s+(%a+)')
  if not name or directive[name] then return nil end
  if word == 'equ' then return name, true end
  if data[word] then return name, false end
end

local function nasm_last(lines, first, single)
  if lines[first]:find('^%%i?macro') then
    for i = first, #lines do
      if lines[i]:find('^%%endmacro') then return i end
    end
  end
  local last = first
  while lines[last]:find('\\%s*$') do last = last + 1 end
  if single then return last end
  for i = last + 1, #lines do
    local line = lines[i]
    if line:find('^;') or directive[line:match('^%a+')] or nasm_name(line) then
      break
    end
    if line:find('%S') then last = i end
  end
  return last
end

local function is_directive(line, set)
  return line ~= nil and set[line:match('^%a+')] ~= nil
end

-- Up over comments and directives that touch, then over a section, bits or
-- align that a blank line parts from the rest.
local function nasm_first(lines, first)
  while first > 1 and (lines[first - 1]:find('^;')
      or is_directive(lines[first - 1], directive)) do
    first = first - 1
  end
  while first > 2 and lines[first - 1] == ''
      and is_directive(lines[first - 2], introduces) do
    first = first - 2
    while is_directive(lines[first - 1], introduces) do first = first - 1 end
  end
  return first
end

local function local_labels(lines, from, last, parent, list)
  for i = from + 1, last do
    local name = lines[i]:match('^(%.[%w_]+):')
    if name then
      local stop = i
      while stop < last and not lines[stop + 1]:find('^%.[%w_]+:') do
        stop = stop + 1
      end
      list[#list + 1] = { names = { parent .. name }, first = i, line = i,
        last = stop, inner = true }
    end
  end
end

local function nasm(lines)
  local list, i = {}, 1
  while i <= #lines do
    local name, single = nasm_name(lines[i])
    if name then
      local last = nasm_last(lines, i, single)
      list[#list + 1] =
        { names = { name }, first = nasm_first(lines, i), line = i, last = last,
          constant = single or lines[i]:find('^%%') }
      local_labels(lines, i, last, name, list)
      i = last
    end
    i = i + 1
  end
  return list
end

-- Linker scripts and Makefiles ---------------------------------------------

local function ld_last(lines, first)
  local depth = 0
  for i = first, #lines do
    depth = depth + depth_of(bare(lines[i]))
    local next_line = lines[i + 1] or ''
    if depth <= 0 and not next_line:find('^%s*{') then return i end
  end
  return #lines
end

local function ld(lines)
  local list = {}
  for i, line in ipairs(lines) do
    local name = line:match('^%s*([%w_./]+)%s*[:=(]') or line:match('^(%u+)$')
    if name then
      list[#list + 1] = { names = { name }, line = i, last = ld_last(lines, i),
        first = block_comment_above(lines, i) }
    end
  end
  return list
end

local function make_last(lines, first)
  local last = first
  while lines[last + 1] and (lines[last]:find('\\$')
      or lines[last + 1]:find('^\t')) do
    last = last + 1
  end
  return last
end

local function make(lines)
  local list = {}
  for i, line in ipairs(lines) do
    local name = line:match('^([%w_.]+)%s*[:?+]?=')
      or line:match('^([^%s#:=]+):') or line:match('^([^%s#:=]+) *:')
    if name then
      list[#list + 1] = { names = { name }, line = i, last = make_last(lines, i),
        first = comment_above(lines, i, '^#') }
    end
  end
  return list
end

-- --------------------------------------------------------------------------

-- File name pattern, definitions, name for the highlighter.
local languages = {
  { '%.[ch]$', c, 'c' },
  { '%.asm$', nasm, 'nasm' },
  { '%.ld$', ld, 'ld' },
  { 'Makefile$', make, 'makefile' },
  { '%.mk$', make, 'makefile' },
}

function sources.language(file)
  for _, language in ipairs(languages) do
    if file:find(language[1]) then return language[3], language[2] end
  end
  return 'text', function () return {} end
end

function sources.definitions(lines, file)
  local _, parse = sources.language(file)
  return parse(lines)
end

local function one(list, name)
  local strong, weak = {}, {}
  for _, definition in ipairs(list) do
    for _, each in ipairs(definition.names) do
      if each == name then
        table.insert(definition.weak and weak or strong, definition)
      end
    end
  end
  local found = #strong > 0 and strong or weak
  if #found == 1 then return found[1] end
  return nil, #found == 0 and 'has no definition of "' .. name .. '"'
    or 'defines "' .. name .. '" more than once'
end

function sources.find(lines, file, name)
  local from, to = name:match('^(.-)%.%.(.+)$')
  local list = sources.definitions(lines, file)
  local first, why = one(list, from or name)
  if not first then return nil, why end
  local last = first
  if to then
    last, why = one(list, to)
    if not last then return nil, why end
    if last.first < first.first then return nil, 'has ' .. to .. ' before ' .. from end
  end
  return first.first, last.last
end

function sources.head(lines, file)
  local last = #lines
  for _, definition in ipairs(sources.definitions(lines, file)) do
    if not definition.constant then
      last = definition.first - 1
      break
    end
  end
  while last > 1 and lines[last] == '' do last = last - 1 end
  return last
end

-- The name of the definition that ends last before a line, if any.
function sources.before(lines, file, line)
  local name
  for _, definition in ipairs(sources.definitions(lines, file)) do
    if definition.last < line and definition.names[1]
        and not definition.names[1]:find('.%.') then
      name = definition.names[1]
    end
  end
  return name
end

function sources.names(lines, file)
  local names = {}
  for _, definition in ipairs(sources.definitions(lines, file)) do
    names[#names + 1] = definition.names[1]
  end
  return names
end

return sources
