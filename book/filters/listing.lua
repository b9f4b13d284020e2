-- listing.lua: code taken from the sources by name.
--
--   ``` {.code file="boot.asm" name="start"}
--   ```
--
-- Which lines:  name="a"        the definition of a and what introduces it
--               name="a..b"     from the definition of a through that of b
--               part="head"     the file up to its first definition; constants
--                               and macros belong to the head
--               first="x" last="y"   from the line with text x to the next with
--                               y; together with name=, inside that definition
--               removed="a"     what the previous chapter had and this one drops
--               nothing of these: the whole file
-- Which file:   file="x" of the page's chapter; with chapter="01-boot" or
--               root="common" of somewhere else, shown as it is.
--
-- A file that only the previous chapter had is shown as removed. With break= the
-- listing is a break's patch, with solution= that of an exercise; see patch.lua.

local book = require 'book'
local changes = require 'changes'
local codebox = require 'codebox'
local patch = require 'patch'
local sources = require 'sources'

local WIDTH = 72  -- columns a listing may have, see CODE style

local known = { srcline = 1, file = 1, name = 1, part = 1, first = 1, last = 1,
  removed = 1, chapter = 1, root = 1, number = 1, section = 1, ['break'] = 1,
  solution = 1 }

local shown = {}   -- rows "file, sign, line" for the coverage tool
local places = {}  -- which lines each listing shows, for the pages of the sources

local function contains(line, text)
  local function squeeze(s) return (s:gsub('%s+', ' ')) end
  return squeeze(line):find(squeeze(text), 1, true) ~= nil
end

-- From the only line with text `first` to the next one with text `last`.
local function by_text(lines, from, to, first, last)
  local start
  for i = from, to do
    if contains(lines[i], first) then
      if start then
        return nil, ('has "%s" in lines %d and %d; quote more of the line')
          :format(first, start, i)
      end
      start = i
    end
  end
  if not start then return nil, 'has no line with "' .. first .. '"' end
  for i = start, to do
    if contains(lines[i], last or first) then return start, i end
  end
  return nil, ('has no line with "%s" after line %d'):format(last, start)
end

local function unknown_name(lines, file, why)
  local names = sources.names(lines, file)
  if not why:find('has no definition') or #names == 0 then return why end
  return why .. '; it defines ' .. table.concat(names, ', ')
end

-- First and last line that the attributes ask for, or nil and why not.
local function range(lines, a)
  local from, to = 1, #lines
  if a.part == 'head' then return 1, sources.head(lines, a.file) end
  if a.part then return nil, 'has no part "' .. a.part .. '"; say part="head"' end
  local name = a.removed or a.name
  if name then
    from, to = sources.find(lines, a.file, name)
    if not from then return nil, unknown_name(lines, a.file, to) end
  end
  if not a.first and not a.last then return from, to end
  if not a.first then return nil, 'needs first= with last=' end
  return by_text(lines, from, to, a.first, a.last)
end

-- Where the file is: a label for the reader and a path.
local function place_of(a)
  if a.root then return { label = a.root, path = a.root } end
  local chapter = a.chapter or book.chapter
  if not chapter then return nil end
  return { label = chapter, path = 'chapters/' .. chapter,
    own = chapter == book.chapter }
end

-- The entries to show, or nil and what is wrong.
local function entries_of(a, place)
  local entries, new, old
  if place.own then
    entries, new, old = changes.entries(a.file)
  else
    new = book.read(place.path .. '/' .. a.file)
    entries = new and changes.unchanged(new)
  end
  if not entries then
    return nil, 'there is no file ' .. place.path .. '/' .. a.file
  end
  local dropped = a.removed or not new
  if dropped and not old then
    return nil, 'the previous chapter has no file ' .. a.file
  end
  local first, last = range(dropped and old or new, a)
  if not first then return nil, place.path .. '/' .. a.file .. ' ' .. last end
  if not dropped then return changes.select(entries, first, last) end
  entries = changes.dropped(entries, first, last)
  if #entries == 0 then return nil, 'this chapter still has ' .. a.removed end
  return entries
end

-- Each line must fit its box, and the coverage tool hears of those that count.
local function check_lines(block, a, place, entries)
  for _, entry in ipairs(entries) do
    local text = entry.text:gsub('\t', '        ')
    local columns = utf8.len(text) or #text
    if columns > WIDTH then
      book.problem(block, ('%s/%s:%d has %d columns; a listing has room for %d')
        :format(place.path, a.file, entry.n, columns, WIDTH))
    end
    if entry.kind ~= 'same' then
      local sign = entry.kind == 'new' and '+' or '-'
      shown[#shown + 1] = ('%s\t%s\t%d\n'):format(a.file, sign, entry.n)
    end
  end
end

-- What a reader who types along has to know: is this new, and where does it go?
local function status(a, place, entries)
  if not place.own or not book.previous then return nil end
  local old = book.read('chapters/' .. book.previous .. '/' .. a.file)
  if not old then return 'new file' end
  if codebox.all(entries, 'same') then return 'unchanged' end
  if codebox.all(entries, 'old') then return 'removed' end
  if not codebox.all(entries, 'new') then
    return codebox.changes_in_words(entries)
  end
  local above = sources.before(old, a.file, entries[1].before + 1)
  return above and 'new, after <code>' .. book.escape(above) .. '</code>'
    or 'new, at the top'
end

local function name_of(a)
  local name = a.removed or a.name
  if not name then return a.part end
  return '<code>' .. book.escape(name):gsub('%.%.', '</code> to <code>')
    .. '</code>'
end

-- What the pages of the sources have to know; see places.lua.
local function remember(block, a, id, entries)
  local first, last = codebox.range(entries, 'new', 'same')
  local old_first, old_last = codebox.range(entries, 'old')
  places[#places + 1] = { file = a.file, root = a.root, id = id,
    section = a.section,
    first = first, last = last, old_first = old_first, old_last = old_last }
end

local function caption(a, place, entries)
  local gone = codebox.all(entries, 'old')
  local label = place.own and a.file or place.label .. '/' .. a.file
  local parts = { name_of(a) }
  parts[#parts + 1] = codebox.lines_in_words(entries)
  parts[#parts + 1] = status(a, place, entries)
  return codebox.caption(a.number, gone and book.previous or place.label, a.file,
    codebox.line_numbers(entries), label, table.unpack(parts))
end

local function id_of(block, a)
  local id = block.identifier
  if id ~= '' then return (id:gsub(':', '-')) end
  local part = a.removed or a.name or a.part or a.first or ''
  return book.free_id(book.slug(a.file .. ' ' .. part))
end

-- For who rebuilds the kernel from the page: data-after says after how many
-- lines of the previous chapter's file the listing goes.
local function figure(block, a, place, entries)
  local all_new = book.previous and codebox.all(entries, 'new')
  local data = place.own and (' data-file=%s data-after="%d"')
    :format(book.quote(a.file), entries[1].before) or ''
  local id = id_of(block, a)
  if place.own or a.root then remember(block, a, id, entries) end
  return codebox.figure(id, all_new and 'listing all-new' or 'listing', data,
    caption(a, place, entries), a.file, entries)
end

local function complaint(block, a)
  if block.text:find('%S') then
    return 'a listing is filled from the sources; leave its block empty'
  end
  for key in pairs(a) do
    if not known[key] then return 'a listing has no attribute ' .. key .. '=' end
  end
  if patch.is_meant(a) then return nil end
  if not a.file then return 'a listing needs file="..."' end
  if not place_of(a) then return 'say chapter="..." or root="..."' end
end

-- The block, or nil and what is wrong.
local function from_sources(block, a)
  local place = place_of(a)
  local entries, why = entries_of(a, place)
  if not entries then return nil, why end
  check_lines(block, a, place, entries)
  return figure(block, a, place, entries)
end

local function listing(block)
  if not block.classes:includes('code') then return nil end
  local a = {}
  for key, value in pairs(block.attributes) do a[key] = value end
  local why, result = complaint(block, a), nil
  if not why and patch.is_meant(a) then result, why = patch.figures(a)
  elseif not why then result, why = from_sources(block, a) end
  if not result then
    book.problem(block, why)
    return {}
  end
  return result
end

-- Tells each listing in which section it stands.
local function find_sections(document)
  local title = pandoc.utils.stringify(document.meta.title or '')
  local blocks = document.blocks
  book.each_block(blocks, function (block)
    if block.t == 'Header' then title = pandoc.utils.stringify(block.content) end
    if block.t == 'CodeBlock' and block.classes:includes('code') then
      block.attributes.section = title
    end
  end)
  return pandoc.Pandoc(blocks, document.meta)
end

local function report(document)
  if not book.chapter then return end
  local cache = 'build/book/.cache/' .. book.chapter
  local title = pandoc.utils.stringify(document.meta.title or '')
  book.write(cache .. '.shown', table.concat(shown))
  book.write_if_changed(cache .. '.places',
    'return ' .. book.serialize { title = title, listings = places })
end

return { filters = { { Pandoc = find_sections }, { CodeBlock = listing },
  { Pandoc = report } } }
