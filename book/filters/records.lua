-- records.lua: what was found out once, and is committed (tests/records.py): a head
-- of keys and values, and rows of fields.

local book = require 'book'

local records = {}

local function fields_of(line)
  local fields = {}
  for field in line:gmatch('[^\t]+') do fields[#fields + 1] = field end
  return fields
end

-- { head = { { key, value }, ... }, rows = { { field, ... }, ... } }
function records.read(path, where)
  local record, lines = { head = {}, rows = {} }, book.read(path)
  if not lines then book.problem(where, 'there is no ' .. path) end
  for number, line in ipairs(lines or {}) do
    local head = line:match('^# (.+\t.+)$')
    local list = head and record.head or record.rows
    if number > 1 then list[#list + 1] = fields_of(head or line) end
  end
  return record
end

-- Key and value of each program in a head, and the date.
local function told(record)
  local programs, date = {}, '?'
  for _, pair in ipairs(record.head) do
    local key, value = table.unpack(pair)
    if key == 'date' then
      date = value
    elseif not key:find('^sources ') then
      programs[#programs + 1] = key .. ' ' .. value
    end
  end
  return programs, date
end

-- "Recorded on 2026-11-27, with", and a list of programs, each with its version.
function records.told(record)
  local programs, date = told(record)
  local items = pandoc.List(programs):map(function (text)
    return { pandoc.Plain(text) }
  end)
  return { pandoc.Para(('Recorded on %s, with'):format(date)),
    pandoc.BulletList(items) }
end

-- "05-paging" for each chapter, and "common", whose sources are others than those of
-- the record.
local function changed(record)
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

-- A paragraph that tells whether the record is of the sources as they are now.
function records.since(record)
  local names = changed(record)
  local said = 'No chapter\'s sources have changed since.'
  if #names > 0 then
    said = 'Changed since, so that this was not tried with what they are now: '
      .. table.concat(names, ', ') .. '.'
  end
  return pandoc.read(said, 'markdown').blocks
end

-- A table of inlines or texts, as wide as it has to be.
function records.table(caption, aligns, header, rows)
  local function cells(row)
    return pandoc.List(row):map(function (cell)
      return { pandoc.Plain(cell) }
    end)
  end
  local widths = pandoc.List(aligns):map(function () return 0 end)
  return pandoc.utils.from_simple_table(pandoc.SimpleTable({ pandoc.Str(caption) },
    aligns, widths, cells(header), pandoc.List(rows):map(cells)))
end

return records
