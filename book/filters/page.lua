-- page.lua: the first pass over a page, which needs nothing of the other pages.
-- It fills listings, draws figures, numbers what can be referred to and writes
-- what the other pages have to know:
--
--   build/book/.cache/PAGE.facts    title, labels, terms ... as Lua
--   build/book/.cache/PAGE.mentions which sections name what; see mentions.lua
--   build/book/.cache/PAGE.d        the files it read, for make
--   build/book/.cache/PAGE.shown    for a chapter: the lines it shows
--   build/book/.cache/PAGE.places   and where, for source.lua
--
-- Pandoc writes the page itself as JSON, for link.lua to finish.

package.path = PANDOC_SCRIPT_FILE:match('^(.*/)') .. '?.lua;' .. package.path

local book = require 'book'
local boxes = require 'boxes'
local highlight = require 'highlight'
local mentions = require 'mentions'
local number = require 'number'
local terms = require 'terms'

local WORDS_A_MINUTE = 200

local words = 0

local function count_words(document)
  local function count(element)
    if element.t ~= 'Str' or element.text:find('%w') then words = words + 1 end
  end
  for _, block in ipairs(document.blocks) do
    pandoc.walk_block(block, { Str = count, Code = count })
  end
end

local function required(meta, key)
  local value = meta[key] and pandoc.utils.stringify(meta[key])
  if not value or value == '' then
    book.problem(1, 'the page has no ' .. key .. ': in its first lines')
  end
  return value or ''
end

local function start(meta)
  book.start(meta)
  required(meta, 'title')
  required(meta, 'description')
end

-- Code in a page comes from somewhere: the sources, a real run, or it says that
-- it is only a sketch.
local function code_block(block)
  if not block.classes:includes('sketch') then
    book.problem(block, 'a code block is .code, .console, .bits, '
      .. '.stepper, .walk, .chart or .sketch')
    return {}
  end
  local language = block.classes:find_if(function (c) return c ~= 'sketch' end)
  local lines = highlight(block.text, language or 'text')
  return book.html('<pre class="sketch" tabindex="0"><code class="sourceCode">',
    table.concat(lines, '\n'), '</code></pre>')
end

local function facts(meta)
  return { title = required(meta, 'title'), words = words,
    description = required(meta, 'description'), labels = number.labels,
    minutes = math.max(1, math.floor(words / WORDS_A_MINUTE + 0.5)),
    terms = terms.defined, exercises = boxes.exercises, file = book.file,
    chapter = book.chapter, subject = book.subject }
end

local function finish(document)
  book.finish()
  local cache = 'build/book/.cache/' .. book.page
  book.write_if_changed(cache .. '.facts',
    'return ' .. book.serialize(facts(document.meta)))
  book.write_if_changed(cache .. '.mentions',
    'return ' .. book.serialize(mentions.collect(document)))
  book.write(cache .. '.d',
    book.dependencies('$(CACHE)/' .. book.page .. '.json'))
end

local filters = { { Meta = start }, { Pandoc = count_words } }
for _, name in ipairs { 'counts', 'matrix', 'mutants', 'number', 'listing', 'console',
    'bits', 'stepper', 'walk', 'chart', 'figure', 'boxes', 'terms', 'symptoms' } do
  for _, filter in ipairs(require(name).filters) do
    filters[#filters + 1] = filter
  end
end
filters[#filters + 1] = { CodeBlock = code_block }
filters[#filters + 1] = { Pandoc = finish }

return filters
