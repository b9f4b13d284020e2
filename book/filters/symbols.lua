-- symbols.lua: what the names in a chapter's sources mean.
--
--   symbols.load(chapter, names, files)   the files' names and { name = lines }
--   symbols.link(file, html, link)        the highlighted lines with links
--   symbols.list(file)                    the symbols that it defines
--
-- A symbol is a function, a variable, a macro, a constant, a type, a member of a
-- struct, or a label:
--
--   { name =, key =, kind =, file =, line =, type =,
--     uses = list of { file =, line =, within = } }
--
-- The key is unique in the file: "struct thread", "thread.state", "start.next".
-- The type is the tag of the struct that the value is, points to or returns.
--
-- Universal Ctags says what C defines, locals and parameters included, since C's
-- declarations are hard to read. It does not know NASM's `extern` and `section`
-- and nothing of linker scripts: there the layout rule is enough (sources.lua).

local book = require 'book'
local sources = require 'sources'

local symbols = {}

local here      -- { file = what is known of it }, see new_file
local globals   -- { name = symbol } that every file of C sees, and `extern`
local members   -- { struct's tag = { name = symbol } }
local by_name   -- { member's name = list of symbols }

-- own: { key = symbol }. at: { "line name" = symbol, or "" for a parameter that
-- means nothing elsewhere }. functions: in order, { name =, line =, last =,
-- types = { name of a local = its type, or "" } }.
local function new_file(lines)
  return { lines = lines, own = {}, at = {}, functions = {}, externs = {} }
end

local function add(symbol, is_global)
  local file = here[symbol.file]
  symbol.key = symbol.key or symbol.name
  symbol.uses = {}
  if not file.own[symbol.key] then file.own[symbol.key] = symbol end
  file.at[symbol.line .. ' ' .. symbol.name] = symbol
  if is_global and not globals[symbol.key] then globals[symbol.key] = symbol end
  return symbol
end

-- C ------------------------------------------------------------------------

local value = { ['function'] = 1, variable = 1, macro = 1, enumerator = 1,
  typedef = 1 }
local words = { enumerator = 'constant', typedef = 'type' }
local tag = { struct = 1, union = 1, enum = 1 }

-- "struct:thread *" is a thread, and so is "typename:const struct thread *".
local function type_of(reference)
  local head = reference:match('^[^(]*')
  return head:match('struct[: ]([%w_]+:*[%w_:]*)') or head:match('union[: ]([%w_]+)')
end

local function add_member(row)
  local struct = row.scope:match('([%w_]+)$')
  local named = not struct:find('^__anon')
  local symbol = add { name = row.name, kind = 'member', file = row.file,
    key = (named and struct or '') .. '.' .. row.name, line = row.line,
    type = row.type }
  members[struct] = members[struct] or {}
  members[struct][row.name] = symbol
  by_name[row.name] = by_name[row.name] or {}
  table.insert(by_name[row.name], symbol)
end

local function add_row(row)
  local file, is_global = here[row.file], row.only_here ~= 'file'
  if value[row.kind] then
    add({ name = row.name, kind = words[row.kind] or row.kind, file = row.file,
      line = row.line, type = row.type }, is_global)
  elseif tag[row.kind] and not row.name:find('^__anon') then
    add({ name = row.name, key = row.kind .. ' ' .. row.name, kind = row.kind,
      file = row.file, line = row.line }, is_global)
  elseif row.kind == 'member' then
    add_member(row)
  end
  if row.kind == 'function' then
    table.insert(file.functions, { name = row.name, line = row.line,
      last = row.last, types = {} })
  end
end

local function function_at(file, line)
  for _, each in ipairs(here[file].functions) do
    if each.line <= line and line <= each.last then return each end
  end
end

-- What only a function, or a declaration of one, knows.
local function add_local(row)
  if row.kind ~= 'local' and row.kind ~= 'parameter' then return end
  local within = function_at(row.file, row.line)
  if within then within.types[row.name] = row.type or '' end
  local place = row.line .. ' ' .. row.name
  here[row.file].at[place] = here[row.file].at[place] or ''
end

local function read_tags(chapter)
  local rows = {}
  for _, line in ipairs(book.read('build/book/.cache/' .. chapter .. '.tags')) do
    local name, path, number, kind, scope, last, reference, only_here =
      line:match('^(.-)\t(.-)\t(.-)\t(.-)\t(.-)\t(.-)\t(.-)\t(.-)$')
    rows[#rows + 1] = { name = name, file = path:match('[^/]+$'), kind = kind,
      line = tonumber(number), last = tonumber(last) or tonumber(number),
      scope = scope, type = type_of(reference), only_here = only_here }
  end
  for _, row in ipairs(rows) do add_row(row) end
  for _, row in ipairs(rows) do add_local(row) end
end

-- NASM and linker scripts ----------------------------------------------------

-- { name after `global` or `extern` = line }
local function declared(lines, word)
  local names = {}
  for number, line in ipairs(lines) do
    local list = line:match('^' .. word .. '%s+([^;]+)') or ''
    for name in list:gmatch('[%w_.]+') do names[name] = number end
  end
  return names
end

-- A label that a macro makes stands nowhere but after its `global`.
local function add_made(name, file, is_global)
  for label, line in pairs(is_global) do
    if not file.own[label] then
      add({ name = label, kind = 'label', file = name, line = line }, true)
    end
  end
end

local function add_labels(name, file)
  local is_global = declared(file.lines, 'global')
  file.externs = declared(file.lines, 'extern')
  for _, each in ipairs(sources.definitions(file.lines, name)) do
    local label = each.names[1]
    local macro = file.lines[each.line]:find('^%%')
    if label:find('^[%w_.]+$') then  -- not one with a number put in
      add({ name = each.inner and label:match('%.[^.]*$') or label, key = label,
        kind = macro and 'macro' or each.constant and 'constant' or 'label',
        file = name, line = each.line }, is_global[label])
    end
    if not each.inner and not each.constant then
      table.insert(file.functions, { name = label, line = each.line,
        last = each.last, types = {} })
    end
  end
  add_made(name, file, is_global)
end

local function add_assignments(name, file)
  for number, line in ipairs(file.lines) do
    for symbol in line:gsub('/%*.*', ''):gmatch('([%a_][%w_]*)%s*=[^=]') do
      add({ name = symbol, kind = 'linker symbol', file = name, line = number }, true)
    end
  end
end

-- ----------------------------------------------------------------------------

-- C comes first: what it declares as extern, the others only define.
function symbols.load(chapter, names, files)
  here, globals, members, by_name = {}, {}, {}, {}
  for _, name in ipairs(names) do here[name] = new_file(files[name]) end
  if book.chapter then read_tags(chapter) end
  for _, name in ipairs(names) do
    if name:find('%.asm$') then add_labels(name, here[name]) end
    if name:find('%.ld$') then add_assignments(name, here[name]) end
  end
end

-- What a name means ----------------------------------------------------------

-- Where the bracket opens that closes at a place.
local function opening(tokens, at)
  local depth = 0
  for i = at, 1, -1 do
    if tokens[i].text:find('^[%)%]]$') then depth = depth + 1 end
    if tokens[i].text:find('^[%(%[]$') then depth = depth - 1 end
    if depth == 0 then return i end
  end
end

-- The type of the value whose last token is at a place: that of a name, of what
-- a function returns, of an element, of what is in parentheses.
local function type_before(tokens, at)
  local token = tokens[at]
  if not token or not token.text:find('^[%)%]]$') then
    return token and token.type
  end
  local open = opening(tokens, at)
  local before = open and tokens[open - 1]
  local called = before and before.text:find('^[%a_%)%]]')
  return open and type_before(tokens, called and open - 1 or at - 1)
end

-- The type of what the braces initialize that stand around a designator: that of
-- a variable or, in "(struct point){.x = 1}", the one in parentheses.
local function type_around(tokens)
  local depth = 0
  for i = #tokens - 1, 1, -1 do
    local text = tokens[i].text
    if text:find('[%)%]}]') then depth = depth + 1 end
    if text == '{' and depth == 0 then
      local before = tokens[i - 1] or {}
      if before.text == '=' then return type_before(tokens, i - 2) end
      if before.text == ')' then return tokens[i - 2].text end
    elseif text:find('[%(%[{]') then
      depth = depth - 1
    end
  end
end

local function member(tokens, name)
  local designator = tokens[#tokens - 1] and tokens[#tokens - 1].text:find('^[{,]$')
  local type
  if designator then type = type_around(tokens)
  else type = type_before(tokens, #tokens - 1) end
  if type and members[type] then return members[type][name] end
  local all = by_name[name] or {}
  return #all == 1 and all[1] or nil
end

-- The symbol, or nil for a local and for what is not ours; and its type.
local function in_c(file, line, name, tokens)
  local last = tokens[#tokens] or {}
  local own, known = here[file].own, nil
  if tag[last.text] then
    local key = last.text .. ' ' .. name
    return own[key] or globals[key]
  elseif last.text == '.' or last.text == '->' then
    known = member(tokens, name)
    return known, known and known.type
  end
  local within = function_at(file, line)
  local local_type = within and within.types[name]
  known = here[file].at[line .. ' ' .. name]
  if known == '' or local_type then return nil, local_type end
  known = known or own[name] or globals[name]
  return known, known and known.type
end

local function in_nasm(file, line, name)
  if name:find('^%.') then
    local within = function_at(file, line)
    return within and here[file].own[within.name .. name]
  end
  return here[file].own[name] or here[file].externs[name] and globals[name]
end

local function in_ld(file, _, name, tokens)
  local last = tokens[#tokens]
  if last and last.text == '.' then return nil end
  return here[file].own[name] or globals[name]
end

local languages = { c = in_c, nasm = in_nasm, ld = in_ld }
local patterns = { nasm = '^%.?[%a_?][%w_.?]*' }

-- Highlighted code, token by token -------------------------------------------

-- What is not to be looked into: comments and strings, tags, numbers.
local opaque = { '^<i>.-</i>', '^<i class=s>.-</i>', '^<[^>]*>', '^%d[%w_]*' }
local signs = { '^%->', '^&%a+;', '^[^%s]' }

local function first_match(text, at, list)
  for _, pattern in ipairs(list) do
    local found = text:match(pattern, at)
    if found then return found end
  end
end

-- One line of a highlighted file, with link(symbol, is_definition) in place of
-- each name that means something. Tokens are those of the file so far.
local function link_line(file, line, html, tokens, link)
  local language = sources.language(file)
  local resolve, out, at = languages[language], {}, 1
  local name_pattern = patterns[language] or '^[%a_][%w_]*'
  while at <= #html do
    local skipped, name = first_match(html, at, opaque), nil
    if not skipped then name = html:match(name_pattern, at) end
    local text = skipped or name or first_match(html, at, signs)
      or html:sub(at, at)
    at = at + #text
    if name then
      local symbol, type = resolve(file, line, name, tokens)
      tokens[#tokens + 1] = { text = name, type = type }
      if symbol then text = link(symbol, name) end
    elseif not skipped and text:find('%S') then
      tokens[#tokens + 1] = { text = text }
    end
    out[#out + 1] = text
  end
  return table.concat(out)
end

local function include(html)
  return (html:gsub('(#include "?)([%w_./]+)', function (before, name)
    return here[name] and ('%s<a href=%s.html>%s</a>'):format(before, name, name)
  end))
end

-- The lines of a highlighted file, linked; each use is noted with its symbol.
function symbols.link(file, html, link)
  if not languages[sources.language(file)] then return html end
  local linked, tokens = {}, {}
  for line, text in ipairs(html) do
    if text:find('#include', 1, true) then
      linked[line] = include(text)
    else
      linked[line] = link_line(file, line, text, tokens, function (symbol, name)
        local defined = symbol.file == file and symbol.line == line
        if not defined then
          local within = function_at(file, line)
          table.insert(symbol.uses, { file = file, line = line,
            within = within and within.name or '' })
        end
        return link(symbol, name, defined)
      end)
    end
  end
  return linked
end

-- The symbols of a file, or of all, by name.
function symbols.list(file)
  local list = {}
  for name, each in pairs(here) do
    if not file or name == file then
      for _, symbol in pairs(each.own) do list[#list + 1] = symbol end
    end
  end
  table.sort(list, function (a, b)
    if a.key:lower() ~= b.key:lower() then return a.key:lower() < b.key:lower() end
    if a.file ~= b.file then return a.file < b.file end
    return a.line < b.line
  end)
  return list
end

return symbols
