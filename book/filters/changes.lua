-- changes.lua: a file as the previous chapter left it and as this one has it,
-- in one list of entries { kind =, text =, n =, before = }:
--
--   "new"   a line the previous chapter lacks     n: its line in this chapter
--   "same"  a line of both                        n: its line in this chapter
--   "old"   a line this chapter drops             n: its line in the previous
--
-- before counts the previous file's lines that come before the entry. The hunks
-- are those of coverage.py, so that both see the same changes.

local book = require 'book'

local changes = {}

-- { file name = list of hunks { i, j, k, l } } of a chapter.
local function read_hunks(chapter)
  local path = 'build/book/.cache/' .. chapter .. '.changes'
  local files = {}
  for _, line in ipairs(book.read(path) or {}) do
    local file, i, j, k, l = line:match('^(.-)\t(%d+)\t(%d+)\t(%d+)\t(%d+)$')
    files[file] = files[file] or {}
    table.insert(files[file],
      { tonumber(i), tonumber(j), tonumber(k), tonumber(l) })
  end
  return files
end

local function append(entries, kind, lines, first, last)
  for n = first + 1, last do
    entries[#entries + 1] = { kind = kind, text = lines[n], n = n }
  end
end

local function merge(old, new, hunks)
  local entries, at = {}, 0
  for _, hunk in ipairs(hunks) do
    local i, j, k, l = table.unpack(hunk)
    append(entries, 'same', new, at, k)
    append(entries, 'old', old, i, j)
    append(entries, 'new', new, k, l)
    at = l
  end
  append(entries, 'same', new, at, #new)
  return entries
end

-- Tells each entry how many of the previous file's lines come before it.
local function place(entries)
  local before = 0
  for _, entry in ipairs(entries) do
    entry.before = before
    if entry.kind ~= 'new' then before = before + 1 end
  end
  return entries
end

local hunks_of = {}

-- The entries of a file of a chapter, and the lines of the two sides: either may
-- be nil. Nothing when neither side has the file.
function changes.between(previous, chapter, file)
  hunks_of[chapter] = hunks_of[chapter] or read_hunks(chapter)
  local new = book.read('chapters/' .. chapter .. '/' .. file)
  local old = previous and book.read('chapters/' .. previous .. '/' .. file)
  if not new and not old then return nil end
  return place(merge(old or {}, new or {}, hunks_of[chapter][file] or {})), new, old
end

-- The files that a chapter has changed, by name.
function changes.files(chapter)
  local names = {}
  for name in pairs(read_hunks(chapter)) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- The same as between, of the page's chapter.
function changes.entries(file)
  return changes.between(book.previous, book.chapter, file)
end

-- The entries of a file that is shown as it is.
function changes.unchanged(lines)
  local entries = {}
  append(entries, 'same', lines, 0, #lines)
  return place(entries)
end

-- Index of the first and of the last entry with a line of first..last.
local function span(entries, first, last)
  local from, to
  for index, entry in ipairs(entries) do
    if entry.kind ~= 'old' and entry.n >= first and entry.n <= last then
      from, to = from or index, index
    end
  end
  return from, to
end

-- From an index on over dropped entries, up (step -1) or down (step 1).
local function grow(entries, at, step, stop_at_blank)
  local entry = entries[at + step]
  while entry and entry.kind == 'old'
      and not (stop_at_blank and entry.text == '') do
    at = at + step
    entry = entries[at + step]
  end
  return at
end

-- The entries of lines first..last of this chapter's file, with the dropped
-- lines among them, those that the first line replaces, and those that touch
-- the first or the last line.
function changes.select(entries, first, last)
  local from, to = span(entries, first, last)
  if not from then return {} end
  from = grow(entries, from, -1, entries[from].kind ~= 'new')
  to = grow(entries, to, 1, true)
  return table.move(entries, from, to, 1, {})
end

-- The dropped entries of lines first..last of the previous chapter's file.
function changes.dropped(entries, first, last)
  local result = {}
  for _, entry in ipairs(entries) do
    if entry.kind == 'old' and entry.n >= first and entry.n <= last then
      result[#result + 1] = entry
    end
  end
  return result
end

return changes
