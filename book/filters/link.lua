-- link.lua: the second pass over a page. It knows all pages (merge.lua) and
-- makes the references between them, the contents, the glossary, the side notes
-- and what the template needs.
--
--   @fig:x @tbl:x @lst:x @ex:x    "Figure 1.2", a link to it, on any page
--   @sec:x                        the section's title in quotes
--   @ch:01-boot, @page:using      "chapter 1"; the page's title in quotes
--   [own words](#fig:x)           the same link with other words
--   ::: {.chapters}, {.appendices}, {.glossary}
--                                 filled with the list of chapters, and so on
--   ::: {.mentions}, [...]{.try}  see mentions.lua and symptoms.lua
--   ::: {.exercises}              filled by exercises.lua

package.path = PANDOC_SCRIPT_FILE:match('^(.*/)') .. '?.lua;' .. package.path

local book = require 'book'
local exercises = require 'exercises'
local mentions = require 'mentions'
local symptoms = require 'symptoms'
local text = require 'text'

local GLOSSARY = 'appendix-glossary'
local LONG = 3  -- minutes: of a page that says how long it is
-- Pages that tell where something is treated, or what came of it, and treat nothing
-- themselves.
local INDEXES = { ['appendix-symptoms'] = 1, ['appendix-instructions'] = 1,
  ['appendix-exercises'] = 1, ['appendix-references'] = 1, [GLOSSARY] = 1,
  ['appendix-costs'] = 1, ['appendix-matrix'] = 1, ['appendix-mutants'] = 1 }

local cache = 'build/book/.cache/'
local links, labels = nil, {}

local function chapter_number(name)
  return tonumber(name:match('^(%d+)%-'))
end

local function quoted(title)
  return '“' .. title .. '”'
end

-- What can be referred to: the pages and all that is numbered on them.
local function read_links()
  links = dofile(cache .. 'links')
  for id, label in pairs(links.labels) do
    labels[id] = { page = label.page, anchor = '#' .. id:gsub(':', '-'),
      text = id:find('^sec:') and quoted(label.text) or label.text }
  end
  for _, page in ipairs(links.pages) do
    if page.chapter then
      local number = chapter_number(page.name)
      labels['ch:' .. page.name] = { page = page.name, text = 'chapter ' .. number }
      labels['Ch:' .. page.name] = { page = page.name, text = 'Chapter ' .. number }
    end
    labels['page:' .. page.name] = { page = page.name, text = quoted(page.title) }
  end
end

local function url(label)
  local page = label.page ~= book.page and label.page .. '.html' or ''
  return page .. (label.anchor or '')
end

-- A section of another chapter is found more easily with the chapter's number.
local function words(label, id)
  local number = chapter_number(label.page)
  if id:find('^sec:') and label.page ~= book.page and number then
    return label.text .. ' in chapter ' .. number
  end
  return label.text
end

local function cite(element)
  if #element.citations ~= 1 then
    book.problem('@' .. element.citations[1].id, 'one reference at a time')
    return nil
  end
  local id = element.citations[1].id
  local label = labels[id]
  if not label then
    book.problem('@' .. id, 'nothing is called @' .. id)
    return nil
  end
  local name = words(label, id):gsub('(%a) (%d)', '%1\u{a0}%2')
  return pandoc.Link(name, url(label))
end

-- "64-bit" must not end a line after its hyphen: the theme keeps a <bdi>, which is
-- the lightest element that says nothing, on one line.
local function hyphenated(element)
  local before, word, after = element.text:match('^(.-)(%d+%-bit)(.*)$')
  if not word then return nil end
  return { pandoc.Str(before), pandoc.RawInline('html', '<bdi>' .. word .. '</bdi>'),
    pandoc.Str(after) }
end

-- Nor may "-ffreestanding" leave its hyphen at the end of a line.
local MOST = 24  -- characters that are kept together
local function unbroken(element)
  if not element.text:match('^%-') or #element.text > MOST then return nil end
  return { pandoc.RawInline('html', '<bdi>'), element,
    pandoc.RawInline('html', '</bdi>') }
end

-- "4 KiB", "volume 3A", "chapter 06" and "80 x 25" are not torn apart.
local function belong_together(left, right)
  return left:find('%d$') and (right:find('^[KMGT]iB%f[%A]') or right == 'x')
    or right:find('^%d') and (left == 'x' or left:find('^%p*[Vv]olume$')
      or left:find('^%p*[Cc]hapter$'))
end

local function pairs_of_words(inlines)
  for i = 2, #inlines - 1 do
    local left, gap, right = inlines[i - 1], inlines[i], inlines[i + 1]
    if (gap.t == 'Space' or gap.t == 'SoftBreak') and left.t == 'Str'
        and right.t == 'Str' and belong_together(left.text, right.text) then
      inlines[i] = pandoc.Str '\u{a0}'
    end
  end
  return inlines
end

local function is_page(name)
  for _, page in ipairs(links.pages) do
    if name == page.name or name == 'source-' .. page.name then return true end
  end
end

local function link(element)
  local page = element.target:match('^([%w-]+)%.html')
  if page and not is_page(page) then
    book.problem('(' .. element.target, 'there is no page ' .. page)
  end
  local id = element.target:match('^#(%a+:.+)$')
  if id and not labels[id] then
    book.problem(element.attributes.srcline and element or '(#' .. id .. ')',
      'nothing is called #' .. id)
  elseif id then
    element.target = url(labels[id])
  end
  element.attributes.srcline = nil
  return element
end

-- Terms ----------------------------------------------------------------------

-- The term that a text means: "gates" is "gate", and "leaf" is "leaves".
local function known_term(key)
  for _, change in ipairs { { '$', '' }, { 's$', '' }, { 'es$', '' },
      { 'ies$', 'y' }, { '$', 's' }, { 'y$', 'ies' }, { 'f$', 'ves' } } do
    local form = key:gsub(change[1], change[2])
    if links.terms[form] then return form end
  end
end

local function span(element)
  if element.classes:includes('try') then return symptoms.link(element) end
  if not element.classes:includes('term') then
    element.attributes.srcline = nil
    return element
  end
  local key = known_term(element.attributes.key)
  if not key then
    book.problem(element, ('no page defines the term "%s"')
      :format(element.attributes.key))
    return nil
  end
  return pandoc.Link(element.content, GLOSSARY .. '.html#term-' .. book.slug(key),
    '', { class = 'term' })
end

local function overview()
  return dofile(cache .. 'overview')
end

-- All terms, each with its key and page, in alphabetical order.
local function all_terms()
  local terms = {}
  for _, page in ipairs(overview()) do
    for key, term in pairs(page.terms) do
      term.key, term.page = key, page
      terms[#terms + 1] = term
    end
  end
  table.sort(terms, function (a, b) return a.key < b.key end)
  return terms
end

local function letter(term)
  return text.upper(term.key:sub(1, 1))
end

-- Links to the first term of each letter.
local function letters(terms)
  local parts = {}
  for i, term in ipairs(terms) do
    if i == 1 or letter(term) ~= letter(terms[i - 1]) then
      parts[#parts + 1] = ('<a href="#term-%s">%s</a>')
        :format(book.slug(term.key), letter(term))
    end
  end
  return book.html('<p class="letters">', table.concat(parts, '\n'), '</p>')
end

local function called(term)
  return term.short and term.term .. ', ' .. term.short or term.term
end

local function see(key)
  return pandoc.Link(key, '#term-' .. book.slug(key))
end

-- What a term means, where it is defined, and what else to read.
local function meaning(term)
  local gloss = pandoc.read(term.gloss, 'markdown').blocks[1].content
  gloss:extend { pandoc.Space(), pandoc.Link(quoted(term.page.title),
    term.page.name .. '.html#' .. term.id) }
  if term.see then
    local key = known_term(term.see)
    if not key then
      book.file = term.page.file
      book.problem(term.line, ('no page defines the term "%s"'):format(term.see))
      return pandoc.Plain(gloss)
    end
    gloss:extend { pandoc.Str '.', pandoc.Space(), pandoc.Str 'See also ', see(key) }
  end
  return pandoc.Plain(gloss)
end

local function glossary()
  local terms = all_terms()
  local blocks = { letters(terms), book.html('<dl class="glossary">') }
  for _, term in ipairs(terms) do
    blocks[#blocks + 1] = book.html(('<dt id="term-%s">%s</dt>\n<dd>')
      :format(book.slug(term.key), book.escape(called(term))))
    blocks[#blocks + 1] = meaning(term)
    blocks[#blocks + 1] = book.html('</dd>')
  end
  blocks[#blocks + 1] = book.html('</dl>')
  return blocks
end

local function chapters()
  local parts = {}
  for _, page in ipairs(overview()) do
    if page.chapter then
      parts[#parts + 1] = ('<li value="%d"><a href="%s.html">%s</a><p>%s</p>'
        .. '<p class="length">%d minutes</p></li>'):format(
        chapter_number(page.name), page.name, book.escape(page.title),
        book.escape(page.description):gsub('%d+%-bit', '<bdi>%0</bdi>'), page.minutes)
    end
  end
  return { book.html('<ol class="chapters">', table.concat(parts, '\n'), '</ol>') }
end

local function appendices()
  local parts = {}
  for _, page in ipairs(overview()) do
    if page.name:find('^appendix%-') then
      parts[#parts + 1] = ('<li><a href="%s.html">%s</a><p>%s</p></li>')
        :format(page.name, book.escape(page.title), book.escape(page.description))
    end
  end
  return { book.html('<ul class="appendices">', table.concat(parts, '\n'), '</ul>') }
end

local function div(element)
  element.attributes.srcline = nil
  if element.classes:includes('glossary') then return glossary() end
  if element.classes:includes('chapters') then return chapters() end
  if element.classes:includes('appendices') then return appendices() end
  if element.classes:includes('mentions') then return mentions.index(element) end
  if element.classes:includes('exercises') then
    return exercises(overview(), links.labels)
  end
  return element
end

-- Headings -------------------------------------------------------------------

-- A quiet link to itself, for who wants to send a section to a friend. The theme
-- writes its "#": text of a link would get into the contents of the page.
local function heading(element)
  element.content:insert(pandoc.Link({}, '#' .. element.identifier, '',
    { ['aria-label'] = 'Link' }))
  return element
end

-- Side notes -----------------------------------------------------------------

local notes = 0

-- The mark of a note, and the note itself, which comes right after the paragraph.
-- Where there is a margin the note stands in it, at the height of its mark.
local function side_note(note, asides)
  notes = notes + 1
  local content = note.content
  local first = content[1]
  first.content:insert(1, pandoc.RawInline('html',
    ('<a class="sn-number" href="#sn%d-ref" aria-label="%d, back">%d</a> ')
      :format(notes, notes, notes)))
  asides[#asides + 1] = book.html(('<aside class="sidenote" id="sn%d"'
    .. ' style="--a:--sn%d" role="note" aria-label="Note %d">')
    :format(notes, notes, notes))
  for _, block in ipairs(content) do asides[#asides + 1] = block end
  asides[#asides + 1] = book.html('</aside>')
  return pandoc.RawInline('html', ('<a class="sn-ref" id="sn%d-ref" href="#sn%d"'
    .. ' style="--a:--sn%d" aria-label="Note %d">%d</a>')
    :format(notes, notes, notes, notes, notes))
end

local function lift_notes(block)
  local asides = {}
  local text_block = pandoc.walk_block(block, { Note = function (note)
    return side_note(note, asides)
  end })
  if #asides == 0 then return nil end
  table.insert(asides, 1, text_block)
  return asides
end

-- Screens --------------------------------------------------------------------

-- Width and height of a PNG, from its first chunk.
local function png_size(path)
  local file = io.open(path, 'rb')
  local head = file and file:read(24) or ''
  if file then file:close() end
  if #head < 24 then return nil end
  return string.unpack('>I4I4', head, 17)
end

local function screens(block)
  if block.format ~= 'html' then return nil end
  return book.html((block.text:gsub('<img src="(screens/[^"]+)"', function (path)
    local width, height = png_size('build/book/' .. path)
    if not width then book.problem(path, 'there is no picture ' .. path) end
    return ('<img src="%s" width="%d" height="%d"'):format(path, width or 0,
      height or 0)
  end)))
end

-- The template's variables ---------------------------------------------------

-- Solutions stand outside the order of the pages.
local function in_order()
  return pandoc.List(links.pages):filter(function (page)
    return page.chapter or not page.subject
  end)
end

local function index_in(pages)
  for i, page in ipairs(pages) do
    if page.name == book.page then return i end
  end
end

local function neighbour(page)
  return page and { url = page.name .. '.html', title = page.title,
    number = page.chapter and tostring(chapter_number(page.name)) }
end

local function template_variables(document)
  local meta, order = document.meta, in_order()
  local at = index_in(order)
  local facts = dofile(cache .. book.page .. '.facts')
  meta.pagetitle = facts.title
  meta.words = tostring(facts.words)
  local long = facts.minutes >= LONG and book.page ~= 'index'
  meta.minutes = long and tostring(facts.minutes)
  if at then
    meta.prev, meta.next = neighbour(order[at - 1]), neighbour(order[at + 1])
  else
    meta.prev = { url = book.subject .. '.html#exercises', title = 'The exercises' }
  end
  meta.index = book.page == 'index'
  if book.chapter then
    meta.number = tostring(chapter_number(book.page))
    meta.source = 'source-' .. book.chapter .. '.html'
    meta.changes = book.previous and 'changes-' .. book.chapter .. '.html'
  end
  local pages = pandoc.List {}
  for i, page in ipairs(order) do
    pages[i] = { url = page.name .. '.html', title = page.title,
      number = page.chapter and tostring(chapter_number(page.name)),
      current = i == at }
  end
  meta.pages = pages
  document.meta = meta
  book.finish()
  return document
end

local function start(meta)
  book.start(meta)
  read_links()
  if INDEXES[book.page] then
    local names = {}
    for _, page in ipairs(links.pages) do
      if not INDEXES[page.name] and not page.name:find('^solutions%-') then
        names[#names + 1] = page.name
      end
    end
    mentions.read(cache, names)
  end
end

return {
  { Meta = start },
  { Div = div, Header = heading },
  { Cite = cite, Link = link, Span = span, Str = hyphenated, Code = unbroken,
    Inlines = pairs_of_words, RawBlock = screens },
  { Para = lift_notes, Plain = lift_notes },
  { Pandoc = template_variables },
}
