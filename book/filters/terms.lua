-- terms.lua: [interrupt gate]{.def} where a term is defined, and
-- [gates]{.term key="interrupt gate"} where it is used; key= only where the
-- text is not the term. link.lua makes the links; the glossary quotes the
-- sentence of the definition, or what gloss="..." says. short="MSR" is how else it is
-- called, see="..." another term to look at.

local book = require 'book'
local text = pandoc.text or require 'text'

local terms = { defined = {} }

local function key_of(span)
  local key = span.attributes.key or pandoc.utils.stringify(span)
  return text.lower(key)
end

local function ends_sentence(inline)
  return inline.t == 'Str' and inline.text:find('[.?!][")’”]*$') ~= nil
end

local function starts_sentence(inline)
  return inline ~= nil and (inline.t ~= 'Str' or inline.text:find('^%l') == nil)
end

-- The inlines of the sentence around index at.
local function sentence(inlines, at)
  local function boundary(i)
    return ends_sentence(inlines[i]) and starts_sentence(inlines[i + 2])
  end
  local first, last = at, at
  while first > 1 and not boundary(first - 1)
      and not (first > 2 and boundary(first - 2)) do
    first = first - 1
  end
  while last < #inlines and not ends_sentence(inlines[last]) do last = last + 1 end
  return table.move(inlines, first, last, 1, {})
end

local drop = { Note = function () return {} end,
  Span = function (span)
    return span.classes:includes('def') and pandoc.Strong(span.content) or nil
  end }

local function markdown(inlines)
  local block = pandoc.walk_block(pandoc.Plain(inlines), drop)
  return (pandoc.write(pandoc.Pandoc { block }, 'markdown'):gsub('%s*\n', ' ')
    :gsub(' srcline="%d+"', ''))
end

local function define(span, context)
  local key = key_of(span)
  local term = pandoc.utils.stringify(span)
  local id = book.claim('def-' .. book.slug(key), span)
  if terms.defined[key] then return end
  terms.defined[key] = { id = id, term = span.attributes.key or term,
    line = tonumber(span.attributes.srcline), see = span.attributes.see,
    short = span.attributes.short,
    gloss = span.attributes.gloss or (markdown(context):gsub(':%s*$', '.')) }
end

local function block(paragraph)
  for index, inline in ipairs(paragraph.content) do
    if inline.t == 'Span' and inline.classes:includes('def') then
      define(inline, sentence(paragraph.content, index))
    end
  end
end

local function span(element)
  if element.classes:includes('def') then
    local definition = terms.defined[key_of(element)]
    if not definition then
      book.problem(element, 'a definition has to stand in plain text')
      return nil
    end
    local content = element.content
    content:insert(1, pandoc.RawInline('html',
      '<dfn id="' .. definition.id .. '">'))
    content:insert(pandoc.RawInline('html', '</dfn>'))
    return content
  elseif element.classes:includes('term') then
    element.attributes.key = key_of(element)
    return element
  end
end

terms.filters = { { Para = block, Plain = block }, { Span = span } }

return terms
