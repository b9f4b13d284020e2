-- mutants.lua: which test sees which planted mistake, from the record of make mutants.
--
--   ::: {.mutants of="07-interrupts"}  filled with a table of a chapter's mistakes
--   ::: {.mutants-sum caption="All."}  with a table of how many each chapter has
--   ::: {.mutants-record}              when, with what, and what has changed since
--   [planted]{.mutants-count}          215; so also [kernel], [outside], [nobody]
--
-- A page that shows the mistakes of one chapter has to show those of all.

local book = require 'book'
local records = require 'records'

local RECORD = 'tests/mutations/record.tsv'
local NO_TEST = 'no test'

local record, chapters, mistakes, shown

local function typeset(text)
  return (text:gsub("'", '’'))
end

-- Once: the mistakes of each chapter, and the names of the chapters in order.
local function read(where)
  if record then return end
  record, chapters, mistakes, shown = records.read(RECORD, where), {}, {}, {}
  for _, row in ipairs(record.rows) do
    local chapter, _, what, test, told = table.unpack(row)
    if not mistakes[chapter] then
      chapters[#chapters + 1] = chapter
      mistakes[chapter] = pandoc.List {}
    end
    mistakes[chapter]:insert { what = typeset(what), test = test, told = typeset(told) }
  end
end

-- Who saw it: a test in the kernel, one outside of it, or nobody.
local function kind(mistake)
  if mistake.test == NO_TEST then return 'nobody' end
  return mistake.test:find('::', 1, true) and 'outside' or 'kernel'
end

local ENDS = { halted = 'it halts too soon', reset = 'it is reset',
  idle = 'it waits, for nothing', ['it hangs'] = 'it hangs' }

-- What a test kernel told: the test that failed, or how the kernel ended.
local function told_in_kernel(told)
  local failed = told:match('^([%w_]+) fails$')
  return failed or ENDS[told:match('did not come to its end: (.+)$')] or told
end

-- The file of tests, and the test, whose name is a sentence. Its parameters tell the
-- chapter once more.
local function seen_by(mistake)
  if kind(mistake) == 'nobody' then return 'nobody: ' .. mistake.told end
  local file, test = mistake.test:match('^(.+)%.py::test_([%w_]+)')
  local told = test or told_in_kernel(mistake.told)
  return { pandoc.Code(file or mistake.test), ': ' .. told:gsub('_', ' ') }
end

local function of_chapter(element)
  local chapter = element.attributes.of
  if not mistakes[chapter] then
    book.problem(element, ('no mistakes are recorded of "%s"'):format(chapter))
    return {}
  end
  shown[chapter] = true
  local rows = mistakes[chapter]:map(function (mistake)
    return { mistake.what, seen_by(mistake) }
  end)
  return records.table('Mistakes in ' .. chapter .. '.', { 'AlignLeft', 'AlignLeft' },
    { 'mistake', 'seen by' }, rows)
end

-- How many there are in a list, and how many of each kind.
local function count(list)
  local many = { planted = #list, kernel = 0, outside = 0, nobody = 0 }
  for _, mistake in ipairs(list) do
    many[kind(mistake)] = many[kind(mistake)] + 1
  end
  return many
end

local function sum(name, list)
  local many = count(list)
  return { name, tostring(many.planted), tostring(many.kernel),
    tostring(many.outside), tostring(many.nobody) }
end

local function all()
  local list = pandoc.List {}
  for _, chapter in ipairs(chapters) do list:extend(mistakes[chapter]) end
  return list
end

local function sums(element)
  local rows = pandoc.List(chapters):map(function (chapter)
    return sum(chapter, mistakes[chapter])
  end)
  rows:insert(sum('all', all()))
  return records.table(element.attributes.caption or '',
    { 'AlignLeft', 'AlignRight', 'AlignRight', 'AlignRight', 'AlignRight' },
    { 'chapter', 'planted', 'seen in the kernel', 'from outside', 'by nobody' }, rows)
end

local function span(element)
  if not element.classes:includes('mutants-count') then return end
  read(element)
  local name = pandoc.utils.stringify(element)
  local number = count(all())[name]
  if not number then book.problem(element, ('mistakes: no "%s"'):format(name)) end
  return pandoc.Str(tostring(number))
end

local FILLED = { mutants = of_chapter, ['mutants-sum'] = sums,
  ['mutants-record'] = function ()
    return pandoc.List(records.told(record)) .. records.since(record)
  end }

local function div(element)
  local fill = FILLED[element.classes[1]]
  if not fill then return end
  read(element)
  return fill(element)
end

local function all_are_shown()
  if not next(shown or {}) then return end
  for _, chapter in ipairs(chapters) do
    if not shown[chapter] then
      book.problem(1, 'no table shows the mistakes of ' .. chapter)
    end
  end
end

return { filters = { { Div = div, Span = span }, { Pandoc = all_are_shown } } }
