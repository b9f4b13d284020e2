-- source.lua: all pages about the sources of a chapter, in one run.
--
--   source-CHAPTER.html              the list of its files
--   source/CHAPTER/FILE.html         a page for each of them
--   source/CHAPTER/symbols.html      every name that they define
--   changes-CHAPTER.html             what differs from the chapter before
--
-- Metadata: files, their names. For the page "common" they are those of common/
-- that the book shows; these have no list, no symbols and no changes.

package.path = PANDOC_SCRIPT_FILE:match('^(.*/)') .. '?.lua;' .. package.path

local book = require 'book'
local changes = require 'changes'
local codebox = require 'codebox'
local diffpage = require 'diffpage'
local filepage = require 'filepage'
local highlight = require 'highlight'
local places = require 'places'
local shell = require 'shell'
local sources = require 'sources'
local symbols = require 'symbols'

local chapters = {}        -- all, in order
local at                   -- number of the page's chapter
local home                 -- its name, or "common"
local title                -- "Chapter 2"
local names, files = {}, {}

local function words(value)
  local list = {}
  for word in pandoc.utils.stringify(value):gmatch('%S+') do list[#list + 1] = word end
  return list
end

local function highlighted(name, lines)
  return highlight(table.concat(lines, '\n'), sources.language(name))
end

-- What filepage.lua has to know, and the previous chapter's lines.
local function read_file(name)
  local file = { name = name }
  if book.chapter then
    file.entries, file.lines, file.before = changes.entries(name)
    file.places = places.of(chapters, at, name)
  else
    file.lines = book.read('common/' .. name)
    file.entries = changes.unchanged(file.lines)
    file.places = places.common(chapters, name)
  end
  file.new = file.lines and highlighted(name, file.lines)
  return file
end

local function counts(file)
  return codebox.count(file.entries, 'new'), codebox.count(file.entries, 'old')
end

local function status(file)
  local new, dropped = counts(file)
  if not file.before then return 'new' end
  if not file.lines then return 'removed' end
  if new + dropped == 0 then return 'unchanged' end
  return ('+%d −%d'):format(new, dropped)
end

-- Pages of files ---------------------------------------------------------------

-- The first sentence of the comment at the top, without the file's name.
local function purpose(file)
  local text = {}
  for _, line in ipairs(file.lines) do
    local comment = line:match('^//%s?(.*)$') or line:match('^;%s?(.*)$')
      or line:match('^#%s?(.*)$') or line:match('^/%*%s?(.*)$')
    if not comment or comment == '' then break end
    text[#text + 1] = comment
  end
  local all = table.concat(text, ' '):gsub('%s*%*/.*', '')
  local said = all:match('^[%w_.]+:%s+(.-[.:])%s') or all:match('^[%w_.]+:%s+(.+)$')
  return said and said:gsub('^%l', string.upper):gsub('[.:]$', '') .. '.'
end

local function exists(chapter, name)
  local file = chapter and io.open('chapters/' .. chapter .. '/' .. name)
  if file then file:close() end
  return file ~= nil
end

-- The links to the same file elsewhere.
local function elsewhere(file)
  local links = {}
  for step, label in pairs { [-1] = 'before', [1] = 'after' } do
    local chapter = at and chapters[at + step]
    if exists(chapter, file.name) then
      links[#links + 1] = ('<li><a href="../%s/%s.html">the chapter %s</a>')
        :format(chapter, file.name, label)
    end
  end
  table.sort(links)
  links[#links + 1] = ('<li><a href="%s.txt">plain text</a>'):format(file.name)
  return '<p class="elsewhere">The same file: ' .. table.concat(links, ', ')
    :gsub('<li>', '') .. '</p>\n'
end

local function crumbs()
  if not book.chapter then return nil end
  return { { url = '../../' .. home .. '.html', title = title },
    { url = '../../source-' .. home .. '.html', title = 'its files' },
    { url = 'symbols.html', title = 'symbols' } }
end

local function neighbour(name)
  return name and { url = name .. '.html', title = name }
end

local function meta_of_page(name, description)
  return { title = name .. ', ' .. title:lower(), description = description,
    root = '../../', css = { 'source.css' }, crumbs = crumbs() }
end

local function write_file(i)
  local file = files[i]
  local told = purpose(file)
  local meta = meta_of_page(file.name, told and #told > 20 and told
    or ('The file %s of %s.'):format(file.name, title:lower()))
  meta.prev, meta.next = neighbour(names[i - 1]), neighbour(names[i + 1])
  shell.write(('source/%s/%s'):format(home, file.name), meta,
    elsewhere(file) .. filepage.body(file))
end

local function write_files()
  for _, file in ipairs(files) do
    file.html = symbols.link(file.name, file.new, filepage.link(file.name))
  end
  for i in ipairs(files) do write_file(i) end
end

local function write_symbols()
  shell.write('source/' .. home .. '/symbols', meta_of_page('Symbols',
    'Every name that the kernel of ' .. title:lower() .. ' defines.'),
    filepage.symbols())
end

-- What changed -----------------------------------------------------------------

local function link(file)
  local from = file.lines and home or book.previous
  return ('<a href="source/%s/%s.html">%s</a>'):format(from, file.name, file.name)
end

local function summary(changed)
  local rows = {}
  for i, file in ipairs(changed) do
    rows[i] = ('<tr><td><a href="#%s">%s</a><td>%s<td>+%d<td>−%d'):format(file.name,
      file.name, status(file):gsub('^%+.*', 'changed'), counts(file))
  end
  return '<div class="scroll table" role="region" tabindex="0" aria-label="Files">'
    .. '<table>\n<thead><tr><th>File<th>It is<th>New<th>Removed<tbody>\n'
    .. table.concat(rows, '\n') .. '</table></div>\n'
end

local function section(file)
  file.old = file.before and highlighted(file.name, file.before)
  return ('<h2 id="%s">%s <small>%s</small></h2>\n'):format(file.name, link(file),
    status(file)) .. diffpage.body(file)
end

local function write_changes()
  local changed, sections = {}, {}
  for i, name in ipairs(changes.files(home)) do
    changed[i] = files[name] or read_file(name)
    sections[i] = section(changed[i])
  end
  shell.write('changes-' .. home, {
    title = 'What ' .. title:lower() .. ' changes', css = { 'source.css' },
    crumbs = { { url = home .. '.html', title = title },
      { url = 'source-' .. home .. '.html', title = 'its files' } },
    description = ('The kernel of %s, compared with that of the chapter before.')
      :format(title:lower()) }, summary(changed) .. table.concat(sections))
end

-- The list of files ------------------------------------------------------------

-- End tags that HTML can do without are left out: there are ninety rows.
local function row(file)
  local said = status(file)
  if said ~= 'unchanged' then
    said = ('<a href=changes-%s.html#%s>%s</a>'):format(home, file.name, said)
  end
  return ('<tr><td>%s<td>%d'):format(link(file), #file.lines)
    .. (book.previous and '<td>' .. said or '')
end

local function links()
  local symbol_page = ('<a href="source/%s/symbols.html">all symbols</a>'):format(home)
  if not book.previous then return '<p>Also ' .. symbol_page .. '.</p>\n' end
  return ('<p>Also <a href="changes-%s.html">what changed</a> and %s.</p>\n')
    :format(home, symbol_page)
end

local function write_list()
  local rows = {}
  for i, file in ipairs(files) do rows[i] = row(file) end
  local since = book.previous and '<th>Since ' .. book.previous or ''
  shell.write('source-' .. home, { title = 'The kernel of ' .. title:lower(),
    description = 'Every file of chapters/' .. home .. '.',
    prev = { url = home .. '.html', title = 'Back to the chapter' } },
    links() .. '<div class="table"><table>\n<thead><tr><th>File<th>Lines'
    .. since .. '<tbody>\n' .. table.concat(rows, '\n') .. '</table></div>')
end

-- ------------------------------------------------------------------------------

local function start(meta)
  book.start(meta)
  shell.search = meta.search
  chapters, names, home = words(meta.chapters), words(meta.files), book.page
  table.sort(names)
  for i, chapter in ipairs(chapters) do
    if chapter == book.chapter then at = i end
  end
  title = at and 'Chapter ' .. tonumber(home:match('^%d+')) or home .. '/'
  if at and chapters[at + 1] then
    book.read('build/book/.cache/' .. chapters[at + 1] .. '.changes')
  end
end

local function write_all(meta)
  start(meta)
  local lines = {}
  for i, name in ipairs(names) do
    files[i] = read_file(name)
    files[name], lines[name] = files[i], files[i].lines
  end
  symbols.load(home, names, lines)
  write_files()
  if book.chapter then write_symbols() end
  if book.previous then write_changes() end
  if book.chapter then write_list() end
  book.write('build/book/.cache/source-' .. home .. '.d',
    book.dependencies('$(CACHE)/source-' .. home))
end

return { { Meta = write_all } }
