-- number.lua: numbers what can be referred to, in the order of the text, and
-- collects it in labels: { ["fig:gdt"] = { text =, line = } }.
--
-- The number of a figure, listing, table or exercise becomes the attribute
-- number of its element, for the filters that draw it. Ids lose their colon:
-- "fig:gdt" becomes "fig-gdt".

local book = require 'book'

local words = { fig = 'Figure', tbl = 'Table', lst = 'Listing', ex = 'Exercise' }
local counts = {}
local number = { labels = {} }
local level = 1

-- Gives an element with an id of this kind its number and its label.
local function label(element, kind)
  local id = element.identifier
  local where = element.attributes.srcline and element or id
  if not id:find('^' .. kind .. ':') then
    book.problem(where, ('the id has to be "#%s:..."'):format(kind))
    return
  end
  counts[kind] = (counts[kind] or 0) + 1
  local text = book.number .. counts[kind]
  number.labels[id] = { text = words[kind] .. ' ' .. text,
    line = tonumber(element.attributes.srcline) }
  book.claim((id:gsub(':', '-')), where)
  element.attributes.number = text
end

local function heading(h)
  pandoc.walk_block(h, { Note = function ()
    book.problem(h, 'a note cannot stand in a heading')
  end })
  if h.level > level + 1 or h.level < 2 then
    book.problem(h, ('a heading of level %d cannot follow one of level %d')
      :format(h.level, level))
  end
  level = h.level
  local id = h.identifier
  h.identifier = book.claim((id:gsub(':', '-')), h)
  if id:find('^sec:') or id:find('^sol:') then
    number.labels[id] = { text = pandoc.utils.stringify(h.content),
      line = tonumber(h.attributes.srcline) }
  end
  h.attributes.srcline = nil
end

-- Blocks that become a picture.
local drawn = { bits = 1, chart = 1, stepper = 1, walk = 1 }

local function code_block(block)
  local figure = block.classes:find_if(function (c) return drawn[c] end)
  if block.identifier ~= '' then label(block, figure and 'fig' or 'lst') end
end

local function paragraph(block)
  local image = #block.content == 1 and block.content[1]
  if image and image.t == 'Image' and image.identifier ~= '' then
    label(image, 'fig')
  end
end

local function box(block)
  if block.classes:includes('exercise') then label(block, 'ex') end
end

-- A table's id stands at the end of its caption: ": Caption {#tbl:x}".
local function tbl(element)
  local whole = element.caption
  local last = whole.long[#whole.long]
  local caption = last and last.content
  local id = caption
    and pandoc.utils.stringify(caption):match('{#(tbl:[%w-]+)}%s*$')
  if not id then return end
  caption:remove()                                     -- the {#tbl:x}
  if #caption > 0 and caption[#caption].t == 'Space' then caption:remove() end
  element.identifier = id
  label(element, 'tbl')
  element.identifier = (id:gsub(':', '-'))
  caption:insert(1, pandoc.RawInline('html',
    ('<span class="number">Table %s.</span> ')
      :format(element.attributes.number)))
  element.caption = whole
  element.attributes.number = nil
end

local visit = { Header = heading, CodeBlock = code_block, Para = paragraph,
  Div = box, Table = tbl }

local function document(doc)
  local blocks = doc.blocks
  book.each_block(blocks, function (block)
    if visit[block.t] then visit[block.t](block) end
  end)
  return pandoc.Pandoc(blocks, doc.meta)
end

-- A wide table scrolls in a box of its own.
local function scroll(element)
  local name = pandoc.utils.stringify(element.caption.long)
  return pandoc.Div({ element }, pandoc.Attr('', { 'scroll', 'table' },
    { { 'role', 'region' }, { 'tabindex', '0' },
      { 'aria-label', name ~= '' and name or 'Table' } }))
end

number.filters = { { Pandoc = document }, { Table = scroll } }

return number
