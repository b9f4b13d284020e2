-- filepage.lua: the page of one source file: each line has an anchor, each name a
-- link to its definition, and a mark says where the book explains it.
--
--   filepage.body(file)   file: { name =, entries =, html =, places =, common = }
--
-- The entries are those of changes.lua, html is one string for each line of the
-- file, places those of places.lua.

local book = require 'book'
local codebox = require 'codebox'
local places = require 'places'
local sources = require 'sources'
local symbols = require 'symbols'

local filepage = {}

-- The id of a symbol's uses.
local function uses_id(symbol)
  return 'u-' .. symbol.key:gsub(' ', '-')
end

-- In place of a name: to its definition, and from there to its uses.
function filepage.link(file)
  return function (symbol, name, is_definition)
    local page = symbol.file == file and '' or symbol.file .. '.html'
    if is_definition then
      return ('<a class=d href=#%s>%s</a>'):format(uses_id(symbol), name)
    end
    return ('<a href=%s#L%d>%s</a>'):format(page, symbol.line, name)
  end
end

-- "Its section", and "3. Its section" in another chapter.
function filepage.place(place, root)
  local number = place.chapter ~= book.chapter
    and tonumber(place.chapter:match('^%d+')) .. '. ' or ''
  return ('<a href="%s%s.html#%s">%s%s</a>'):format(root, place.chapter, place.id,
    number, book.escape(place.section))
end

local function marks(list)
  if #list == 0 then return '' end
  local links = {}
  for i, place in ipairs(list) do links[i] = filepage.place(place, '../../') end
  return '<small>' .. table.concat(links, ' ') .. '</small>'
end

-- Each line is an element with an id, which the theme numbers; its first child is
-- the number's link, for which no reader has to pass with the Tab key.
local LINE = '%s<%s id=L%d><a href=#L%d tabindex=-1 aria-hidden=true></a>%s\n</%s>'

local function lines(file, plain)
  local out, before = {}, nil
  for _, entry in ipairs(file.entries) do
    if entry.kind ~= 'old' then
      local n, tag = entry.n, entry.kind == 'new' and not plain and 'ins' or 'span'
      local now = entry.text == '' and before or file.places[n]
      out[n] = LINE:format(marks(places.more(before, now)), tag, n, n,
        file.html[n], tag)
      before = now
    end
  end
  return table.concat(out)
end

local function code(file)
  local plain = codebox.all(file.entries, 'new')
  return ('<figure class="listing source%s"><pre tabindex="0"><code class="%s">')
    :format(plain and book.previous and ' all-new' or '',
      sources.language(file.name))
    .. lines(file, plain) .. '</code></pre></figure>\n'
end

-- "mutex.c: 12, mutex_lock 44 50"; a line with two uses counts once.
local function uses(symbol, file)
  local parts, last = {}, {}
  for _, use in ipairs(symbol.uses) do
    local another_file = use.file ~= last.file
    if another_file then parts[#parts + 1] = '<li>' .. use.file .. ':' end
    if use.within ~= '' and (another_file or use.within ~= last.within) then
      parts[#parts] = parts[#parts] .. (another_file and '' or ',')
      parts[#parts + 1] = '<code>' .. use.within .. '</code>'
    end
    if another_file or use.line ~= last.line then
      parts[#parts + 1] = ('<a href=%s#L%d>%d</a>')
        :format(use.file == file and '' or use.file .. '.html', use.line, use.line)
    end
    last = use
  end
  return #parts > 0 and table.concat(parts, ' ') or '<li>nowhere else in this chapter'
end

local function index(file)
  local rows = {}
  for i, symbol in ipairs(symbols.list(file)) do
    rows[i] = ('<dt id=%s><a href=#L%d><code>%s</code></a>, %s<dd><ul>%s</ul>')
      :format(uses_id(symbol), symbol.line, symbol.key, symbol.kind,
        uses(symbol, file))
  end
  if #rows == 0 then return '' end
  return '<h2 id="uses">Where its names are used</h2>\n<dl class="uses">\n'
    .. table.concat(rows, '\n') .. '</dl>\n'
end

function filepage.body(file)
  return code(file) .. index(file.name)
end

-- All symbols of a chapter, for one page.
function filepage.symbols()
  local rows = {}
  for _, symbol in ipairs(symbols.list()) do
    if symbol.kind ~= 'member' then
      rows[#rows + 1] = ('<li><a href=%s.html#%s><code>%s</code></a> %s, %s:%d')
        :format(symbol.file, uses_id(symbol), symbol.key, symbol.kind, symbol.file,
          symbol.line)
    end
  end
  return '<ul class="symbols">\n' .. table.concat(rows, '\n') .. '</ul>\n'
end

return filepage
