-- figure.lua: pictures, each a paragraph of its own.
--
--   ![Caption](figures/gdt.svg){#fig:gdt alt="What the picture shows"}
--   ![Caption](screens/01-boot.png){#fig:s screen="01-boot" alt="..."}
--
-- An SVG becomes part of the page, so that it takes the theme's colors; on a
-- phone its box scrolls. A screen is a picture that the build takes of the
-- chapter's kernel; link.lua adds its size. The class .wide goes to the figure.

local book = require 'book'

local figure = {}

-- An SVG, which is about 600 pixels wide, in a box that scrolls on a phone.
function figure.scroll(svg, name)
  return ('<div class="scroll" tabindex="0" role="region" aria-label=%s>%s</div>')
    :format(book.quote(name), svg)
end

-- A picture and its caption as blocks.
function figure.blocks(attr, picture, caption)
  local id = attr.identifier:gsub(':', '-')
  local blocks = { book.html('<figure class="', attr.class, '"',
    id ~= '' and ' id=' .. book.quote(id) or '', '>') }
  blocks[2] = book.html(picture)
  if #caption > 0 then
    local number = attr.number
      and ('<span class="number">Figure %s.</span> '):format(attr.number) or ''
    blocks[3] = book.html('<figcaption>', number)
    blocks[4] = pandoc.Plain(caption)
    blocks[5] = book.html('</figcaption>')
  end
  blocks[#blocks + 1] = book.html('</figure>')
  return blocks
end

-- Makes ids that are unique on the page out of those unique in the picture.
local function prefix_ids(svg, prefix)
  local function own(before, id) return before .. prefix .. '-' .. id end
  return (svg:gsub('( id=")([^"]+)', own):gsub('(url%(#)([^)]+)', own)
    :gsub('(href="#)([^"]+)', own))
end

-- The same picture in fewer bytes.
local function shorten(svg)
  return (svg:gsub(' xmlns="[^"]*"', ''):gsub('%s*\n%s*', '\n')
    :gsub('>\n<', '><'):gsub('="(%-?%d+)%.0+"', '="%1"'))
end

-- The text of the first such element, and the picture without it.
local function take(svg, element)
  local before, text, after =
    svg:match('^(.-)<' .. element .. '[^>]*>%s*(.-)%s*</' .. element .. '>(.*)$')
  if not before then return nil, svg end
  return text, before .. after
end

-- An SVG element as part of a page: named and described for those who do not
-- see it. The description is HTML already.
function figure.describe(svg, id, title, description)
  local attributes, rest = svg:match('^<svg([^>]*)>(.*)$')
  return ('<svg role="img" aria-labelledby="%s-title %s-desc"'):format(id, id)
    .. attributes .. ('><title id="%s-title">'):format(id) .. title
    .. ('</title><desc id="%s-desc">'):format(id) .. description
    .. '</desc>' .. rest
end

-- The picture as HTML, or nil and what is wrong with it.
local function inline_svg(image, caption)
  local lines = book.read('book/' .. image.src)
  if not lines then return nil, 'does not exist' end
  local svg = table.concat(lines, '\n'):match('<svg.*</svg>')
  if not svg or not svg:find('viewBox') then
    return nil, 'is no SVG picture with a viewBox'
  end
  local color = svg:match('[:"]%s*(#%x%x%x+)')
  if color then
    return nil, 'has the color ' .. color .. ', which ignores the theme; use '
      .. 'currentColor or a variable'
  end
  local title, description
  title, svg = take(svg:gsub('<!%-%-.-%-%->', ''), 'title')
  description, svg = take(svg, 'desc')
  local alt = image.attributes.alt
  description = alt and book.escape(alt) or description
  if not description then return nil, 'needs a description, alt="..."' end
  local id = image.identifier:gsub(':', '-')
  svg = shorten(prefix_ids(svg, id))
  svg = figure.describe(svg, id, title or book.escape(caption), description)
  return figure.scroll(svg, caption)
end

-- link.lua completes this one when the picture has been taken.
local function screen(image)
  local chapter = image.attributes.screen
  if image.src ~= 'screens/' .. chapter .. '.png' then
    return nil, 'should be screens/' .. chapter .. '.png'
  elseif not book.read('chapters/' .. chapter .. '/Makefile') then
    return nil, 'shows a chapter that does not exist'
  elseif not image.attributes.alt then
    return nil, 'needs a description, alt="..."'
  end
  return ('<img src="%s" alt=%s>'):format(image.src,
    book.quote(image.attributes.alt))
end

local function paragraph(block)
  local image = block.content[1]
  if #block.content ~= 1 or image.t ~= 'Image' then return nil end
  local caption = pandoc.utils.stringify(image.caption)
  local draw = image.attributes.screen and screen or inline_svg
  local html, why = draw(image, caption)
  if image.identifier == '' then why = 'needs an id, #fig:...' end
  if why then
    book.problem(image, image.src .. ' ' .. why)
    return {}
  end
  local class = image.attributes.screen and 'screen' or 'figure'
  if image.classes:includes('wide') then class = class .. ' wide' end
  return figure.blocks({ class = class, identifier = image.identifier,
    number = image.attributes.number }, html, image.caption)
end

local function stray(image)
  book.problem(image, 'a picture has to be a paragraph of its own')
end

figure.filters = { { Para = paragraph }, { Image = stray } }

return figure
