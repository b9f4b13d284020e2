-- counts.lua: what make bench has measured, from its record.
--
--   [int3_roundtrip]{.count}          49, or 4,208
--   [34]{.least of="int3_roundtrip"}  34, which must not be more than the count
--   ::: {.counts of="times"}          filled with all rows of tests/bench/times.tsv
--   ::: {.counts-record}              when, and with what

local book = require 'book'
local records = require 'records'

local function read(name, where)
  return records.read('tests/bench/' .. name .. '.tsv', where)
end

local values

-- What was measured under a name.
local function value_of(name, where)
  if not values then
    values = {}
    for _, file in ipairs { 'counts', 'times' } do
      for _, row in ipairs(read(file, where).rows) do values[row[1]] = row[2] end
    end
  end
  if not values[name] then
    book.problem(where, ('nothing that is recorded is called "%s"'):format(name))
  end
  return tonumber(values[name] or 0)
end

local function shown(value)
  return math.type(value) == 'float' and tostring(value) or book.grouped(value)
end

local function span(element)
  local text = pandoc.utils.stringify(element)
  if element.classes:includes('count') then
    return pandoc.Str(shown(value_of(text, element)))
  elseif element.classes:includes('least') then
    local name = element.attributes.of
    if tonumber(text) > value_of(name, element) then
      book.problem(element, ('%s is less than %s'):format(name, text))
    end
    return pandoc.Str(text)
  end
end

local function div(element)
  if element.classes:includes('counts-record') then
    return records.told(read('counts', element))
  elseif element.classes:includes('counts') then
    local rows = pandoc.List(read(element.attributes.of, element).rows)
    return records.table(element.attributes.caption or '',
      { 'AlignRight', 'AlignLeft', 'AlignLeft' }, { 'figure', 'unit', 'name' },
      rows:map(function (row)
        return { shown(tonumber(row[2])), row[3], { pandoc.Code(row[1]) } }
      end))
  end
end

return { filters = { { Span = span, Div = div } } }
