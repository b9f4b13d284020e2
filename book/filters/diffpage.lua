-- diffpage.lua: what a chapter changes in one file of the chapter before. Where
-- there is room, the old lines stand beside the new ones.
--
--   diffpage.body(file)   file: { name =, entries =, old =, new = }
--
-- old and new are the highlighted lines of the two sides, either may be nil.

local book = require 'book'
local codebox = require 'codebox'
local filepage = require 'filepage'
local places = require 'places'

local diffpage = {}

local CONTEXT = 3  -- unchanged lines around a change

-- Runs of entries that are shown together: { first =, last = }, by index.
local function hunks(entries)
  local list = {}
  for i, entry in ipairs(entries) do
    if entry.kind ~= 'same' then
      local last = list[#list]
      if not last or i - last.last > 2 * CONTEXT + 1 then
        last = { first = math.max(1, i - CONTEXT) }
        list[#list + 1] = last
      end
      last.last = i
    end
  end
  for _, hunk in ipairs(list) do
    hunk.last = math.min(#entries, hunk.last + CONTEXT)
  end
  return list
end

local element = { new = 'ins', old = 'del', same = 'a' }

-- A column of lines. On the old side the numbers are those of the old file.
local function column(class, first, lines)
  return ('<code class=%s style="counter-reset:line %d">%s</code>')
    :format(class, first - 1, table.concat(lines))
end

-- Neighbours of a kind, in columns; what is unchanged is in both.
local function run(file, entries)
  local kind, first, lines = entries[1].kind, entries[1], {}
  local side = kind == 'old' and file.old or file.new
  for i, entry in ipairs(entries) do
    lines[i] = ('<%s>%s\n</%s>'):format(element[kind], side[entry.n], element[kind])
  end
  if kind == 'old' then return column('old', first.n, lines) end
  local new = column('new', first.n, lines)
  if kind == 'new' then return new end
  return column('"old twin" aria-hidden=true', first.before + 1, lines) .. new
end

local function runs(file, hunk)
  local out, together = {}, {}
  for i = hunk.first, hunk.last + 1 do
    local entry = i <= hunk.last and file.entries[i]
    if together[1] and (not entry or entry.kind ~= together[1].kind) then
      out[#out + 1] = run(file, together)
      together = {}
    end
    together[#together + 1] = entry or nil
  end
  return table.concat(out)
end

-- The listings that show the changed lines, one for each section.
local function explained(file, hunk)
  local shown = places.shown(book.chapter, file.name)
  local dropped = places.dropped(book.chapter, file.name)
  local links, had = {}, {}
  for i = hunk.first, hunk.last do
    local entry = file.entries[i]
    local list = entry.kind == 'old' and dropped or entry.kind == 'new' and shown
    for _, place in ipairs(list and list[entry.n] or {}) do
      if not had[place.section] then
        links[#links + 1] = filepage.place(place, '')
      end
      had[place.section] = true
    end
  end
  return #links > 0 and 'explained in ' .. table.concat(links, ', ') or nil
end

local function select(entries, hunk)
  return table.move(entries, hunk.first, hunk.last, 1, {})
end

-- "lines 7–9", in the page of the whole file.
local function lines(file, entries)
  return ('<a href="source/%s/%s.html#L%d">%s</a>'):format(
    file.new and book.chapter or book.previous, file.name,
    codebox.line_numbers(entries), codebox.lines_in_words(entries))
end

local function figure(file, hunk, class, note)
  local entries = select(file.entries, hunk)
  local parts = { lines(file, entries) }
  parts[#parts + 1] = note
  parts[#parts + 1] = explained(file, hunk)
  return ('<figure class="listing diff%s"><figcaption>%s</figcaption>\n'
    .. '<pre tabindex="0">%s</pre></figure>\n'):format(class,
    table.concat(parts, ', '), runs(file, hunk))
end

-- A file that is new or gone is one long run, for who wants to see it.
local function whole(file)
  local all = { first = 1, last = #file.entries }
  return '<details><summary>All ' .. #file.entries .. ' lines</summary>\n'
    .. figure(file, all, ' one') .. '</details>\n'
end

local function changed(file)
  local out = {}
  for _, hunk in ipairs(hunks(file.entries)) do
    out[#out + 1] = figure(file, hunk, '',
      codebox.changes_in_words(select(file.entries, hunk)))
  end
  return table.concat(out)
end

function diffpage.body(file)
  return file.old and file.new and changed(file) or whole(file)
end

return diffpage
