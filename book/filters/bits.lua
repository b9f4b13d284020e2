-- bits.lua: the layout of a register, a descriptor or a table entry, drawn from
-- text.
--
--   ``` {.bits #fig:gate caption="A gate of the IDT" row="32"}
--   31:16 offset 63..32 .addr
--   15    present       .flag
--   14:0  reserved      .rsv
--   ```
--
-- One field a line: HIGH:LOW or one bit, its name, and at the end perhaps a
-- kind: .addr, .flag, .rsv or .other. Every bit is drawn exactly once, row by row from
-- the high end, or the build stops. The theme colors the kinds.

local book = require 'book'
local figure = require 'figure'

local WIDTH = 606   -- of a row; the measure of the text is 608
local HEAD = 18     -- above a row, for the numbers of the bits
local HEIGHT = 40   -- of a row, or more for names that have to stand upright
local LETTER = 8.4  -- width of one, 14 high
local LINE = 16     -- height of a line of them

-- A list of fields from the high end, or nil and what is wrong.
local function read_fields(text)
  local fields = {}
  for line in text:gmatch('[^\n]+') do
    local high, low, rest = line:match('^%s*(%d+):(%d+)%s+(.-)%s*$')
    if not high then high, rest = line:match('^%s*(%d+)%s+(.-)%s*$') end
    if not high then return nil, 'cannot read the field "' .. line .. '"' end
    local name, kind = rest:match('^(.-)%s+%.(%l+)$')
    fields[#fields + 1] = { high = tonumber(high), low = tonumber(low or high),
      name = name or rest, kind = kind or 'plain' }
  end
  table.sort(fields, function (a, b) return a.high > b.high end)
  return fields
end

local function gap(fields)
  for i, field in ipairs(fields) do
    local below = fields[i + 1] and fields[i + 1].high or -1
    if field.low > field.high or below ~= field.low - 1 then
      return ('bits %d and %d: every bit has to be in exactly one field')
        :format(field.low, below)
    end
  end
end

local kinds = { plain = '', addr = ' class="addr"', flag = ' class="flag"',
  rsv = ' class="rsv"', other = ' class="other"' }

local function number(x, y, bit)
  return ('<text class="bit" x="%g" y="%g">%d</text>'):format(x, y, bit)
end

-- The lines of a name in a field so many pixels wide, or nil if a word does not
-- fit: such a name stands upright.
local function wrap(name, width)
  local room, lines = width // LETTER, {}
  for word in name:gmatch('%S+') do
    local last = lines[#lines]
    if utf8.len(word) > room then return nil end
    if last and utf8.len(last) + 1 + utf8.len(word) <= room then
      lines[#lines] = last .. ' ' .. word
    else
      lines[#lines + 1] = word
    end
  end
  return lines
end

-- A name around the middle of its field.
local function name_at(x, y, lines, name)
  if not lines then
    return ('<text x="%g" y="%g" transform="rotate(-90 %g %g)">%s</text>')
      :format(x, y + 5, x, y, book.escape(name))
  end
  local parts = {}
  for i, line in ipairs(lines) do
    local middle = y + 5 + (i - (#lines + 1) / 2) * LINE
    parts[i] = ('<text x="%g" y="%g">%s</text>')
      :format(x, middle, book.escape(line))
  end
  return table.concat(parts)
end

-- The part of a field in a row: its highest and lowest bit there, or nil.
local function part(field, row, per_row)
  local high = math.min(field.high, row * per_row + per_row - 1)
  local low = math.max(field.low, row * per_row)
  if high >= low then return high, low end
end

-- The box of a field, and what is written in and above it.
local function draw(field, high, low, per_row, y, height)
  local bit = WIDTH / per_row
  local x, width = (per_row - 1 - high % per_row) * bit, (high - low + 1) * bit
  local box = ('<rect%s x="%g" y="%g" width="%g" height="%g"/>')
    :format(kinds[field.kind], x, y, width, height)
  local text = name_at(x + width / 2, y + height / 2, wrap(field.name, width),
    field.name)
  local edge = math.min(width / 2, 10)
  text = text .. number(x + edge, y - 4, high)
  if low < high then text = text .. number(x + width - edge, y - 4, low) end
  return box, text
end

local function row_height(fields, row, per_row)
  local height = HEIGHT
  for _, field in ipairs(fields) do
    local high, low = part(field, row, per_row)
    if high then
      local lines = wrap(field.name, (high - low + 1) * WIDTH / per_row)
      height = math.max(height, 10 + (lines and #lines * LINE
        or utf8.len(field.name) * LETTER))
    end
  end
  return height
end

local function svg(fields, per_row)
  local boxes, texts, y = {}, {}, 0
  for row = fields[1].high // per_row, 0, -1 do
    local height = row_height(fields, row, per_row)
    for _, field in ipairs(fields) do
      local high, low = part(field, row, per_row)
      if high then
        boxes[#boxes + 1], texts[#texts + 1] =
          draw(field, high, low, per_row, y + HEAD, height)
      end
    end
    y = y + HEAD + height
  end
  return ('<svg class="bits" viewBox="-1 0 %d %g">'
    .. '<g fill="none" stroke="currentColor">%s</g><g text-anchor="middle"'
    .. ' font-size="14" fill="currentColor">%s</g></svg>')
    :format(WIDTH + 2, y + 1, table.concat(boxes), table.concat(texts))
end

local function in_words(fields)
  local words = {}
  for _, f in ipairs(fields) do
    words[#words + 1] = (f.high == f.low and 'bit ' .. f.high
      or 'bits ' .. f.high .. ' to ' .. f.low) .. ': ' .. f.name
  end
  return table.concat(words, '; ')
end

local function complaint(block, fields)
  if not block.attributes.caption then return 'needs caption="..."' end
  if block.identifier == '' then return 'needs an id, #fig:...' end
  for _, field in ipairs(fields) do
    if not kinds[field.kind] then return 'has no kind .' .. field.kind end
  end
  return #fields == 0 and 'has no field' or gap(fields)
end

local function bits(block)
  if not block.classes:includes('bits') then return nil end
  local fields, why = read_fields(block.text)
  why = why or complaint(block, fields)
  if why then
    book.problem(block, 'a layout of bits ' .. why)
    return {}
  end
  local id, caption = block.identifier, block.attributes.caption
  local per_row = tonumber(block.attributes.row or 32)
  local picture = figure.describe(svg(fields, per_row), (id:gsub(':', '-')),
    book.escape(caption), book.escape(in_words(fields)))
  return figure.blocks({ class = 'figure', identifier = id,
      number = block.attributes.number }, figure.scroll(picture, caption),
    pandoc.read(caption, 'markdown').blocks[1].content)
end

return { filters = { { CodeBlock = bits } } }
