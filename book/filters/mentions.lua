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
--   :   What it is.
--   :   Where the manual has it.
--   :::
--
-- An entry's words are those of its term, or words=. Its sections are those whose
-- text names one of them, and in pages whose text does not, those that show it. The
-- first one, in bold, is the one that names it most often, or main=.

local book = require 'book'

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
    line = line:gsub('<span class="co">.-</span>', ''):gsub('<[^>]*>', '')
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

local pages

-- What all pages but the indexes mention, in the order of the book.
function mentions.read(cache, names)
  pages = {}
  for _, name in ipairs(names) do
    local page = dofile(cache .. name .. '.mentions')
    page.name = name
    pages[#pages + 1] = page
  end
end

-- How often each section of the page names one of the words.
local function uses(page, words)
  local function sums(kind)
    local sum = {}
    for _, word in ipairs(words) do
      for section, times in pairs(page[kind][word] or {}) do
        if section > 0 then sum[section] = (sum[section] or 0) + times end
      end
    end
    return sum
  end
  local text = sums 'prose'
  return next(text) and text or sums 'shown', next(text) and 1000 or 1
end

-- All sections that treat it, in order, as { page, id, title, weight }.
local function places(words)
  local list = {}
  for _, page in ipairs(pages) do
    local times, weight = uses(page, words)
    for number, section in ipairs(page.sections) do
      if times[number] then
        list[#list + 1] = { page = page.name, id = section.id, title = section.title,
          weight = times[number] * weight }
      end
    end
  end
  return list
end

local function main_place(list, main)
  local best
  for at, place in ipairs(list) do
    if main == place.page .. '#' .. place.id then return at end
    if not best or place.weight > list[best].weight then best = at end
  end
  return not main and best
end

local function link(place)
  return pandoc.Link(place.title, place.page .. '.html#' .. place.id)
end

-- "**A far jump**, 64 bits (chapter 1); The stub (chapter 4)"
local function links(list, main)
  local result = pandoc.List { pandoc.Strong { link(table.remove(list, main)) } }
  for _, place in ipairs(list) do
    result:extend { pandoc.Str ',', pandoc.Space(), link(place) }
  end
  return result
end

local function entry(term, definitions)
  local span = term[1]
  local a = span.t == 'Span' and span.attributes or {}
  local text = pandoc.utils.stringify(span)
  local where = a.srcline and span or '`' .. text .. '`'
  local words = {}
  for word in (a.words or text):gmatch('%S+') do words[#words + 1] = word end
  local list = places(words)
  local main = main_place(list, a.main)
  if not main then
    book.problem(where, a.main and ('%s does not name %s'):format(a.main, text)
      or 'no section names ' .. text)
    return
  end
  term[1] = pandoc.Span(span.content or { span }, { id = book.claim('i-'
    .. book.slug(text), where) })
  definitions:insert { pandoc.Plain(links(list, main)) }
end

function mentions.index(div)
  return pandoc.walk_block(div, { DefinitionList = function (list)
    for _, item in ipairs(list.content) do entry(item[1], item[2]) end
    return list
  end })
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
