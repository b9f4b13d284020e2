-- places.lua: which listing of the book explains a line.
--
--   places.of(chapters, n, file)   of the n-th chapter's file: { line = list }
--   places.dropped(chapter, file)  of the lines that the chapter dropped
--   places.common(chapters, file)  of a file of common/
--
-- Each place is { chapter =, title =, id =, section = }. A line that the chapter
-- itself does not show has the places it had in the chapter before. What a chapter
-- shows listing.lua has written down, in build/book/.cache/CHAPTER.places.

local book = require 'book'
local changes = require 'changes'

local places = {}

local read_before = {}

-- The listings of a chapter's page, and its title.
function places.read(chapter)
  if not read_before[chapter] then
    local text = book.read('build/book/.cache/' .. chapter .. '.places')
    local page = load(table.concat(text, '\n'))()
    for _, listing in ipairs(page.listings) do
      listing.chapter, listing.title = chapter, page.title
    end
    read_before[chapter] = page
  end
  return read_before[chapter]
end

-- Adds the listings of a file, by the fields that say from where to where.
local function spread(lines, listings, file, root, from, to)
  for _, listing in ipairs(listings) do
    if listing.file == file and listing.root == root and listing[from] then
      for n = listing[from], listing[to] do
        lines[n] = lines[n] or {}
        table.insert(lines[n], listing)
      end
    end
  end
  return lines
end

function places.shown(chapter, file)
  return spread({}, places.read(chapter).listings, file, nil, 'first', 'last')
end

function places.dropped(chapter, file)
  return spread({}, places.read(chapter).listings, file, nil, 'old_first', 'old_last')
end

function places.common(chapters, file)
  local lines = {}
  for _, chapter in ipairs(chapters) do
    spread(lines, places.read(chapter).listings, file, 'common', 'first', 'last')
  end
  return lines
end

function places.of(chapters, n, file)
  if n == 0 then return {} end
  local entries = changes.between(chapters[n - 1], chapters[n], file)
  if not entries then return {} end
  local shown = places.shown(chapters[n], file)
  local before = places.of(chapters, n - 1, file)
  for _, entry in ipairs(entries) do
    if entry.kind == 'same' then
      shown[entry.n] = shown[entry.n] or before[entry.before + 1]
    end
  end
  return shown
end

-- The places in the second list that are not in the first.
function places.more(before, now)
  local had, more = {}, {}
  for _, place in ipairs(before or {}) do had[place] = true end
  for _, place in ipairs(now or {}) do
    if not had[place] then more[#more + 1] = place end
    had[place] = true
  end
  return more
end

return places
