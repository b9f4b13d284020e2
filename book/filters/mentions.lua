-- mentions.lua: which sections of a page name an instruction, a register, a bit, a
-- port, a structure or a break, and the index that is made of it.
--
-- The first pass writes build/book/.cache/PAGE.mentions:
--
--   sections   of the page in order, each with id, title and its number of uses
--   prose      { word = { [section] = how often the text names it } }
--   shown      { word = { [section] = how often the listings do } }
--   breaks     { name = the id of its box, or of a section that names it }
--
-- Of the text count words in code and those with two capitals or digits, such as
-- CR3 and 0x60; of C what is in an asm, a structure's name, and what has a capital,
-- a digit or an underscore; of assembly all but comments.
--
-- The second pass fills the lists of an index page, one entry after the other:
--
--   ::: {.mentions}
--   [`cr2`]{words="CR2 cr2" main="03-exceptions#a-report-for-people"}
--   :   What it is, and where the manual has it.
--   :::
--
-- An entry's words are those of its term, or words=. Its sections are those whose
-- text names one of them, or if there are none, those that show one; of many those
-- that name it most often. What every chapter has, such as "Proof", is left out. The
-- first one, in bold, names it most often, or is main=.

local book = require 'book'

local MOST = 3  -- sections of an entry beside the main one

local mentions = {}

local function count(words, word, section)
  words[word] = words[word] or {}
  words[word][section] = (words[word][section] or 0) + 1
end

-- First pass ------------------------------------------------------------------

local containers = { Div = 1, BlockQuote = 1, BulletList = 1, OrderedList = 1 }
local unescaped = { ['&lt;'] = '<', ['&gt;'] = '>', ['&amp;'] = '&' }

local function is_name(word)
  return word:find('[%u%d].*[%u%d]') ~= nil
end

-- Calls visit(word); the plural "GDTs" is the word GDT.
local function each_word(text, visit)
  for word in text:gmatch('#?[%w_]+') do
    visit((word:gsub('^(%u%u+)s$', '%1')))
  end
end

local function each_word_of_c(line, visit)
  for text in line:gmatch('asm[%s%w]*(%b"")') do each_word(text, visit) end
  for name in line:gmatch('struct (%w+)') do visit(name) end
  each_word(line, function (word)
    if word:find('[%u%d_]') then visit(word) end
  end)
end

-- The lines of a listing that this page's kernel has.
local function each_line(html, visit)
  for line in html:gsub('<del>.-</del>', ''):gmatch('[^\n]+') do
    line = line:gsub('<i>.-</i>', ''):gsub('<[^>]*>', '')
    visit((line:gsub('&%a+;', unescaped)))
  end
end

local function count_listing(html, visit)
  local language, code = html:match('^<figure class="listing.-<code class="(%w+)"'
    .. '[^>]*>(.*)</code></pre>')
  local each = language == 'c' and each_word_of_c or language == 'nasm' and each_word
  if each then each_line(code, function (line) each(line, visit) end) end
end

-- The break that a piece of code names, by its command or by its name alone.
local function break_named(text)
  local name = text:match('make break BREAK=([%w-]+)') or text:match('^[%w-]+$')
  local file = name and book.chapter
    and io.open(('tests/breaks/%s/%s.patch'):format(book.chapter, name))
  if file then file:close() end
  return file and name
end

function mentions.collect(document)
  local found = { sections = {}, prose = {}, shown = {}, breaks = {} }
  local boxes = {}
  local function here() return #found.sections end
  local function in_text(word) count(found.prose, word, here()) end
  local function note_break(text)
    local name = break_named(text)
    if name and here() > 0 and not found.breaks[name] then
      found.breaks[name] = found.sections[here()].id
    end
  end
  local inlines = {
    Code = function (code)
      each_word(code.text, in_text)
      note_break(code.text)
    end,
    Str = function (str)
      each_word(str.text, function (word) if is_name(word) then in_text(word) end end)
    end }
  book.each_block(document.blocks, function (block)
    if block.t == 'Header' then
      table.insert(found.sections, { id = block.identifier,
        title = pandoc.utils.stringify(block.content) })
    elseif block.t == 'RawBlock' then
      count_listing(block.text, function (word) count(found.shown, word, here()) end)
      note_break(block.text)
    elseif block.t == 'Div' and block.classes:includes('break') then
      boxes[block.identifier:match('^break%-(.*)')] = block.identifier
    elseif not containers[block.t] then
      pandoc.walk_block(block, inlines)
    end
  end)
  for name, id in pairs(boxes) do found.breaks[name] = id end
  return found
end

-- Second pass -----------------------------------------------------------------

local pages = {}
local titles = {}  -- how many sections are called so

-- What the pages mention, in the order of the book.
function mentions.read(cache, names)
  for _, name in ipairs(names) do
    local page = dofile(cache .. name .. '.mentions')
    page.name = name
    pages[#pages + 1] = page
    for _, section in ipairs(page.sections) do
      titles[section.title] = (titles[section.title] or 0) + 1
    end
  end
end

-- How often each section of the page has one of the words; kind is prose or shown.
local function uses(page, kind, words)
  local sum = {}
  for _, word in ipairs(words) do
    for at, times in pairs(page[kind][word] or {}) do
      local section = page.sections[at]
      if section and titles[section.title] < 3 then sum[at] = (sum[at] or 0) + times end
    end
  end
  return sum
end

-- The sections that have one of the words, in order, as { page, id, title, weight },
-- and which of them is called main, or else has most.
local function places(kind, words, main)
  local list, best = pandoc.List {}, nil
  for _, page in ipairs(pages) do
    local times = uses(page, kind, words)
    for at, section in ipairs(page.sections) do
      if times[at] then
        list:insert { page = page.name, id = section.id, title = section.title,
          weight = times[at] }
        if main == page.name .. '#' .. section.id or not main
            and (not best or times[at] > list[best].weight) then
          best = #list
        end
      end
    end
  end
  return list, best
end

-- Leaves those of most weight, and in their order.
local function shorten(list)
  local weights = {}
  for i, place in ipairs(list) do weights[i] = place.weight end
  table.sort(weights, function (a, b) return a > b end)
  local least, left = weights[MOST] or 0, MOST
  return list:filter(function (place)
    left = left - (place.weight >= least and 1 or 0)
    return place.weight >= least and left >= 0
  end)
end

-- "A far jump (1)": of chapter 1.
local function link(place)
  local chapter = tonumber(place.page:match('^%d+'))
  return pandoc.Link(place.title .. (chapter and (' (%d)'):format(chapter) or ''),
    place.page .. '.html#' .. place.id)
end

local function links(list, main)
  local result = pandoc.List { pandoc.RawInline('html', '<b>'),
    link(list:remove(main)), pandoc.RawInline('html', '</b>') }
  for _, place in ipairs(shorten(list)) do
    result:extend { pandoc.Str ',', pandoc.Space(), link(place) }
  end
  return result
end

-- Adds the sections to the definitions of a term, and returns the term without marks.
local function entry(term, definitions)
  local span = term[1]
  local a = span.t == 'Span' and span.attributes or {}
  local text = pandoc.utils.stringify(span)
  local words = {}
  for word in (a.words or text):gmatch('%S+') do words[#words + 1] = word end
  local list, main = places('prose', words, a.main)
  if not main then list, main = places('shown', words, a.main) end
  if main then
    definitions:insert { pandoc.Plain(links(list, main)) }
  else
    book.problem(a.srcline and span or '`' .. text .. '`', a.main
      and ('%s does not name %s'):format(a.main, text) or 'no section names ' .. text)
  end
  return span.t == 'Span' and span.content or term
end

function mentions.index(div)
  return pandoc.walk_block(div, {
    DefinitionList = function (list)
      for _, item in ipairs(list.content) do item[1] = entry(item[1], item[2]) end
      return list
    end,
    Para = function (paragraph) return pandoc.Plain(paragraph.content) end })
end

-- Where a break is shown: page and id, or nil.
function mentions.of_break(chapter, name)
  for _, page in ipairs(pages) do
    if page.name == chapter and page.breaks[name] then
      return chapter .. '.html#' .. page.breaks[name]
    end
  end
end

return mentions
