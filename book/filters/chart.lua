-- chart.lua: lines that a kernel has measured.
--
--   ``` {.chart #fig:fragmentation recording="08-heap/fragmentation" caption="..."}
--   ```
--
-- The build runs the kernel that book/recordings/08-heap/fragmentation names:
-- "--bench fragmentation" is tests/bench/08-heap/fragmentation.c. What it reports
-- becomes lines as common/record describes it.
--
-- Across, the picture is as wide as there is room: places are in percent, and the
-- lines are in an SVG of their own that is stretched. Letters are not, so that
-- they can be read on a phone. Below the picture stand the same numbers in a
-- table, which the reader can open.

local book = require 'book'
local figure = require 'figure'
local recording = require 'recording'

local LEFT, WIDTH = 12, 64              -- of the plot, in percent
local TOP, HEIGHT, BOTTOM = 28, 210, 44  -- in pixels
local ACROSS = 1000                     -- units of the plot's own SVG
local LABEL = 17                        -- a label's height
local MOST_LINES = 3                    -- that style.css can tell apart

-- The distance of ticks, round, so that there are at most so many up to a number.
local function tick(most, count)
  local power = 10 ^ math.floor(math.log(most / count, 10))
  for _, factor in ipairs { 1, 2, 2.5, 5, 10 } do
    if most / (factor * power) <= count then return factor * power end
  end
end

-- A number with at most two digits behind the point, and no zeros at its end.
local function short(number)
  return (('%.2f'):format(number):gsub('%.?0+$', ''))
end

-- Words at a place: percent, and pixels.
local function text(x, y, words, attributes)
  return ('<text x="%s%%" y="%s"%s>%s</text>'):format(short(x), short(y),
    attributes, book.escape(words))
end

-- The largest value of a line.
local function highest(line)
  local most = 0
  for _, point in ipairs(line.points) do most = math.max(most, point[2]) end
  return most
end

-- Gives a chart what is drawn of it: unit, names, and the ends of its axes.
local function complete(chart)
  local most = 0
  for _, line in ipairs(chart.lines) do most = math.max(most, highest(line)) end
  local scale = chart.y == 'bytes' and most >= 10240 and 1024 or 1
  chart.unit = scale == 1 and chart.y or 'KiB'
  for _, line in ipairs(chart.lines) do
    line.name = line.name:gsub('_', ' ')
    for _, point in ipairs(line.points) do point[2] = point[2] / scale end
    line.last = line.points[#line.points]
  end
  chart.right = chart.lines[1].last[1]
  chart.x_tick = tick(chart.right, 4)
  chart.y_tick = tick(most / scale, 6)
  chart.top = math.ceil(most / scale / chart.y_tick) * chart.y_tick
end

-- Where a value is in the picture, in pixels from the plot's upper edge.
local function height(chart, value)
  return HEIGHT - value / chart.top * HEIGHT
end

-- The axes: lines across, and what they mean.
local function axes(chart)
  local parts = { text(0, TOP - 14, chart.unit, ' text-anchor="start"') }
  for value = 0, chart.top, chart.y_tick do
    local y = TOP + height(chart, value)
    parts[#parts + 1] = ('<line%s x1="%d%%" x2="%d%%" y1="%s" y2="%s"/>'):format(
      value == 0 and ' class="axis"' or '', LEFT, LEFT + WIDTH, short(y), short(y))
      .. text(LEFT - 1.5, y + 4, book.grouped(value), ' text-anchor="end"')
  end
  for value = 0, chart.right, chart.x_tick do
    parts[#parts + 1] = text(LEFT + WIDTH * value / chart.right,
      TOP + HEIGHT + 18, book.grouped(value), ' text-anchor="middle"')
  end
  parts[#parts + 1] = text(LEFT + WIDTH / 2, TOP + HEIGHT + 38, chart.x,
    ' text-anchor="middle"')
  return table.concat(parts)
end

local function path(chart, line)
  local points = {}
  for i, point in ipairs(line.points) do
    points[i] = ('%s %s'):format(short(point[1] / chart.right * ACROSS),
      short(height(chart, point[2])))
  end
  return 'M' .. table.concat(points, 'L')
end

-- The lines, and the area under the first one.
local function plot(chart)
  local parts = { ('<path class="area" d="%sV%dH0z"/>'):format(
    path(chart, chart.lines[1]), HEIGHT) }
  for i, line in ipairs(chart.lines) do
    parts[#parts + 1] = ('<path class="line line-%d" d="%s"/>'):format(i,
      path(chart, line))
  end
  return ('<svg aria-hidden="true" x="%d%%" y="%d" width="%d%%" height="%d" viewBox="0 0 %d %d" '
    .. 'preserveAspectRatio="none">%s</svg>'):format(LEFT, TOP, WIDTH, HEIGHT,
    ACROSS, HEIGHT, table.concat(parts))
end

-- The names, each where its line ends, but none on another.
local function labels(chart)
  local places = {}
  for i, line in ipairs(chart.lines) do
    places[i] = { y = TOP + height(chart, line.last[2]) + 4, line = i }
  end
  table.sort(places, function (a, b) return a.y < b.y end)
  local lowest = TOP + HEIGHT + 4
  for i = #places, 1, -1 do
    places[i].y = math.min(places[i].y, lowest)
    lowest = places[i].y - LABEL
  end
  for i, place in ipairs(places) do
    places[i] = text(LEFT + WIDTH + 1.5, place.y, chart.lines[place.line].name,
      (' class="label-%d"'):format(place.line))
  end
  return table.concat(places)
end

-- What the picture says, for those who do not see it.
local function description(chart)
  local ends = {}
  for i, line in ipairs(chart.lines) do
    ends[i] = ('%s %s, at most %s'):format(line.name, book.grouped(line.last[2]),
      book.grouped(highest(line)))
  end
  return ('Lines over %s, from 0 to %s, in %s. At the end: %s.'):format(chart.x,
    book.grouped(chart.right), chart.unit, table.concat(ends, '; '))
end

local function cells(tag, list)
  return '<tr>' .. '<th scope="' .. tag .. '">'
    .. table.concat(list, tag == 'col' and '<th scope="col">' or '<td>')
end

-- All numbers, as a table.
local function numbers(chart)
  local head, rows = { book.escape(chart.x) }, {}
  for i, line in ipairs(chart.lines) do
    head[i + 1] = book.escape(('%s, %s'):format(line.name, chart.unit))
  end
  for i, point in ipairs(chart.lines[1].points) do
    local row = { book.grouped(point[1]) }
    for j, line in ipairs(chart.lines) do row[j + 1] = book.grouped(line.points[i][2]) end
    rows[i] = cells('row', row)
  end
  return ('<details><summary>The numbers</summary><table><thead>%s</thead>'
    .. '<tbody>%s</tbody></table></details>'):format(cells('col', head),
    table.concat(rows))
end

local function chart_html(chart, id, caption)
  complete(chart)
  local svg = ('<svg height="%d">%s%s%s</svg>'):format(TOP + HEIGHT + BOTTOM,
    axes(chart), plot(chart), labels(chart))
  return figure.describe(svg, id, book.escape(caption),
    book.escape(description(chart))) .. numbers(chart)
end

-- What is wrong with the lines, or nil.
local function complaint(chart)
  local first, most = chart.lines[1].points, 0
  if #chart.lines > MOST_LINES then
    return ('a chart has at most %d lines'):format(MOST_LINES)
  end
  for _, line in ipairs(chart.lines) do
    most = math.max(most, highest(line))
    if #line.points < 2 then return line.name .. ' has no two points' end
    for i, point in ipairs(line.points) do
      if #line.points ~= #first or point[1] ~= first[i][1] then
        return ('%s and %s have points at different %s'):format(
          chart.lines[1].name, line.name, chart.x)
      end
    end
  end
  if most == 0 then return 'all lines are 0' end
end

local function draw(block, caption)
  local why = recording.complaint(block)
  if why then return nil, 'a chart ' .. why end
  if block.text:find('%S') then
    return nil, 'a chart is drawn from its recording alone'
  end
  local chart
  chart, why = recording.chart(block.attributes.recording)
  why = why or complaint(chart)
  if why then return nil, why end
  return chart_html(chart, block.identifier:gsub(':', '-'), caption)
end

local function filter(block)
  if not block.classes:includes('chart') then return nil end
  local caption = pandoc.read(block.attributes.caption or '', 'markdown').blocks
  local html, why = draw(block, pandoc.utils.stringify(caption))
  if not html then
    book.problem(block, why)
    return {}
  end
  return figure.blocks({ class = 'chart', identifier = block.identifier,
      number = block.attributes.number }, html, caption[1].content)
end

return { filters = { { CodeBlock = filter } } }
