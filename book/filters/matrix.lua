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

-- "05-paging" for each chapter, and "common", whose sources are others than those of
-- the record.
local function changed()
  local now, names = {}, pandoc.List {}
  for _, line in ipairs(book.read('build/book/.cache/digests') or {}) do
    local name, digest = line:match('^(%S+)\t(%S+)$')
    now[name] = digest
  end
  for _, pair in ipairs(record.head) do
    local name = pair[1]:match('^sources (.+)$')
    if name and now[name] ~= pair[2] then names:insert('`' .. name .. '`') end
  end
  return names
end

local function since()
  local names = changed()
  if #names == 0 then return 'No chapter\'s sources have changed since.' end
  return 'Changed since, so that this was not tried with what they are now: '
    .. table.concat(names, ', ') .. '.'
end

local function div(element)
  if element.classes:includes('matrix') then
    read(element)
    return matrix(element)
  elseif element.classes:includes('matrix-record') then
    read(element)
    return pandoc.List(records.told(record)) .. pandoc.read(since(), 'markdown').blocks
  end
end

local function all_are_shown()
  for environment in pairs(unseen or {}) do
    book.problem(1, ('no table shows "%s"'):format(environment))
  end
end

return { filters = { { Div = div }, { Pandoc = all_are_shown } } }
