-- walk.lua: the way of an address through the page tables of a running kernel.
--
--   ``` {.walk #fig:walk recording="05-paging/walk" caption="..."}
--   ```
--
-- The build asks the chapter's kernel for it, with the options of common/record
-- that stand in book/recordings/05-paging/walk: --from PLACE --walk ADDRESS.
-- common/gdb/walked.py describes what it answers.
--
-- The picture is text: a list of the tables, from CR3 down to the page. On a
-- phone it is as readable as anywhere.

local book = require 'book'
local figure = require 'figure'
local recording = require 'recording'

local tables = { [39] = 'PML4', [30] = 'Page directory pointers',
  [21] = 'Page directory', [12] = 'Page table' }
local sizes = { [30] = '1 GiB', [21] = '2 MiB', [12] = '4 KiB' }
local INDEX = 9  -- bits

local function code(text, class)
  return ('<code%s>%s</code>'):format(class and ' class="' .. class .. '"' or '',
    book.escape(text))
end

local function binary(number, bits)
  local digits = {}
  for bit = bits - 1, 0, -1 do digits[#digits + 1] = number >> bit & 1 end
  return table.concat(digits)
end

-- Bits high to low of a number.
local function field(number, high, low)
  return number >> low & (1 << high - low + 1) - 1
end

-- The address in its parts: { high =, low =, class = }, as the walk uses them.
local function parts_of(walk)
  local parts = { { high = 63, low = 48, class = 'copies' } }
  for _, step in ipairs(walk.steps) do
    parts[#parts + 1] = { high = step.shift + INDEX - 1, low = step.shift,
      class = 'index' }
  end
  parts[#parts + 1] = { high = parts[#parts].low - 1, low = 0, class = 'offset' }
  return parts
end

local function bits_html(part, address)
  return ('<span class="%s"><small>%d–%d</small> %s</span>'):format(part.class,
    part.high, part.low, code(binary(field(address, part.high, part.low),
      part.high - part.low + 1)))
end

local function address_html(walk)
  local list, address = {}, tonumber(walk.address)
  for i, part in ipairs(parts_of(walk)) do list[i] = bits_html(part, address) end
  local name = walk.name ~= '' and code(walk.name) .. ' is ' or 'Address '
  return ('<p class="walk-address">%s%s, in bits:</p><p class="walk-bits">%s</p>')
    :format(name, code(walk.address), table.concat(list, ' '))
end

local function row(term, value)
  return ('<div><dt>%s</dt><dd>%s</dd></div>'):format(term, value)
end

-- An entry in 16 digits. Those of the address in it, bits 51 to 12, stand out.
local function entry_html(entry)
  local digits = ('%016x'):format(tonumber(entry))
  return ('<code class="entry">0x%s<b>%s</b>%s</code>'):format(digits:sub(1, 3),
    digits:sub(4, 13), digits:sub(14))
end

local function step_html(step, address)
  local high = step.shift + INDEX - 1
  return ('<li><p>%s at %s</p><dl>%s%s%s</dl></li>'):format(tables[step.shift],
    code(step.table, 'at'),
    row(('bits %d–%d'):format(high, step.shift),
      ('%s, which is %d'):format(
        code(binary(field(address, high, step.shift), INDEX), 'index'),
      step.index)),
    row('entry ' .. step.index, entry_html(step.entry)),
    row('says', book.escape(step.says)))
end

local function sentence(text)
  return book.escape(text:sub(1, 1):upper() .. text:sub(2)) .. '.'
end

-- Where the walk ends: the page, or nowhere.
local function end_html(walk)
  local shift = walk.steps[#walk.steps].shift
  local physical = tonumber(walk.physical)
  if not physical then
    return '<li class="end"><p>Nothing: a page fault (#PF)</p></li>'
  end
  local offset = physical & (1 << shift) - 1
  return ('<li class="end"><p>Page of %s at %s</p><dl>%s%s%s</dl></li>'):format(
    sizes[shift], code(('0x%x'):format(physical - offset), 'at'),
    row(('bits %d–0'):format(shift - 1), code(('0x%x'):format(offset))
      .. ' bytes from its start'),
    row('physical', code(walk.physical)),
    row('rights', sentence(walk.rights)))
end

local function walk_html(walk)
  local items, address = {}, tonumber(walk.address)
  for i, step in ipairs(walk.steps) do items[i] = step_html(step, address) end
  return ('%s<ol><li class="start"><p>CR3 holds %s</p></li>%s%s</ol>'):format(
    address_html(walk), code(walk.cr3, 'at'), table.concat(items), end_html(walk))
end

local function draw(block)
  local why = recording.complaint(block)
  if why then return nil, 'a walk ' .. why end
  if block.text:find('%S') then
    return nil, 'a walk is drawn from its recording alone'
  end
  local walk
  walk, why = recording.walk(block.attributes.recording)
  return walk and walk_html(walk), why
end

local function filter(block)
  if not block.classes:includes('walk') then return nil end
  local html, why = draw(block)
  if not html then
    book.problem(block, why)
    return {}
  end
  return figure.blocks({ class = 'walk', identifier = block.identifier,
      number = block.attributes.number }, html,
    pandoc.read(block.attributes.caption, 'markdown').blocks[1].content)
end

return { filters = { { CodeBlock = filter } } }
