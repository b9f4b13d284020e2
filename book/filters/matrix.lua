-- matrix.lua: where each chapter has been booted, from the record of make matrix.
--
--   ::: {.matrix caption="Compilers" environments="gcc -O0; gcc -Os"}
--                         filled with a table: a row each, a column for each chapter
--   ::: {.matrix-record}  when, with what, and what has changed since
--
-- A page with such tables has to show all that was recorded.

local book = require 'book'
local records = require 'records'

local RECORD = 'tests/matrix.tsv'
local MARKS = { pass = '✓', fail = 'fails' }

local record, chapters, cells, unseen

-- Once: cells[environment][chapter], and the names of the chapters in order.
local function read(where)
  if record then return end
  record, chapters, cells, unseen = records.read(RECORD, where), pandoc.List {}, {}, {}
  for _, row in ipairs(record.rows) do
    local chapter, environment, result = table.unpack(row)
    if not chapters:includes(chapter) then chapters:insert(chapter) end
    cells[environment] = cells[environment] or {}
    cells[environment][chapter] = result
    unseen[environment] = true
  end
end

local function row(environment, where)
  if not cells[environment] then
    book.problem(where, ('nothing was booted in "%s"'):format(environment))
    return { environment }
  end
  unseen[environment] = nil
  local marks = chapters:map(function (chapter)
    return MARKS[cells[environment][chapter]] or '–'
  end)
  return { environment, table.unpack(marks) }
end

local function matrix(element)
  local rows, aligns = {}, { 'AlignLeft' }
  for name in element.attributes.environments:gmatch('%s*([^;]+)') do
    rows[#rows + 1] = row(name, element)
  end
  for _ in ipairs(chapters) do aligns[#aligns + 1] = 'AlignCenter' end
  local numbers = chapters:map(function (name) return name:match('^%d+') end)
  return pandoc.Div({ records.table(element.attributes.caption or '', aligns,
    { 'environment', table.unpack(numbers) }, rows) }, { class = 'matrix' })
end

local function div(element)
  if element.classes:includes('matrix') then
    read(element)
    return matrix(element)
  elseif element.classes:includes('matrix-record') then
    read(element)
    return pandoc.List(records.told(record)) .. records.since(record)
  end
end

local function all_are_shown()
  for environment in pairs(unseen or {}) do
    book.problem(1, ('no table shows "%s"'):format(environment))
  end
end

return { filters = { { Div = div }, { Pandoc = all_are_shown } } }
