-- merge.lua: what all pages tell each other, from the facts of each. Metadata:
-- pages, their names in the order of the book. Writes, only when they change:
--
--   build/book/.cache/links      titles, labels and terms: every page needs them
--   build/book/.cache/overview   all facts: for the contents and the glossary

package.path = PANDOC_SCRIPT_FILE:match('^(.*/)') .. '?.lua;' .. package.path

local book = require 'book'

local cache = 'build/book/.cache/'

-- Collects one kind of name over the pages; a name belongs to one page.
local function collect(pages, kind, keep)
  local all = {}
  for _, page in ipairs(pages) do
    for name, entry in pairs(page[kind]) do
      if all[name] then
        book.file = page.file
        book.problem(entry.line, ('%s is already on the page %s')
          :format(name, all[name].page))
      end
      all[name] = keep(entry)
      all[name].page = page.name
    end
  end
  return all
end

local function titles(pages)
  local list = {}
  for i, page in ipairs(pages) do
    list[i] = { name = page.name, title = page.title, chapter = page.chapter,
      subject = page.subject }
  end
  return list
end

local function merge(meta)
  local pages = {}
  for name in pandoc.utils.stringify(meta.pages):gmatch('%S+') do
    local page = dofile(cache .. name .. '.facts')
    page.name = name
    pages[#pages + 1] = page
  end
  local links = { pages = titles(pages),
    labels = collect(pages, 'labels', function (label) return { text = label.text } end),
    terms = collect(pages, 'terms', function () return {} end) }
  book.finish()
  book.write_if_changed(cache .. 'links', 'return ' .. book.serialize(links))
  book.write_if_changed(cache .. 'overview', 'return ' .. book.serialize(pages))
end

return { { Meta = merge } }
