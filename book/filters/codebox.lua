-- codebox.lua: lines of source as a figure with a caption. The lines are the
-- entries of changes.lua.

local book = require 'book'
local highlight = require 'highlight'
local sources = require 'sources'

local codebox = {}

function codebox.count(entries, kind)
  local lines = 0
  for _, entry in ipairs(entries) do
    if entry.kind == kind then lines = lines + 1 end
  end
  return lines
end

function codebox.all(entries, kind)
  return codebox.count(entries, kind) == #entries
end

-- First and last line number of the entries of a kind, or of two.
function codebox.range(entries, kind, other)
  local first, last
  for _, entry in ipairs(entries) do
    if entry.kind == kind or entry.kind == other then
      first, last = first or entry.n, entry.n
    end
  end
  return first, last
end

-- The same in the file the reader has at the end; in the one before, when
-- nothing is left.
function codebox.line_numbers(entries)
  if codebox.all(entries, 'old') then return codebox.range(entries, 'old') end
  return codebox.range(entries, 'new', 'same')
end

-- "line 7", "lines 7–9"
function codebox.lines_in_words(entries)
  local first, last = codebox.line_numbers(entries)
  return first == last and 'line ' .. first or ('lines %d–%d'):format(first, last)
end

-- "2 new, 1 removed"
function codebox.changes_in_words(entries)
  local parts = {}
  local new, old = codebox.count(entries, 'new'), codebox.count(entries, 'old')
  if new > 0 then parts[1] = new .. ' new' end
  if old > 0 then parts[#parts + 1] = old .. ' removed' end
  return table.concat(parts, ', ')
end

-- The parts of a caption, the first a link to the line in the file.
function codebox.caption(number, home, file, line, label, ...)
  local parts = { ('<a href="source/%s/%s.html#L%d">%s</a>')
    :format(home, file, line, label) }
  for _, part in ipairs { ... } do parts[#parts + 1] = part end
  return (number and ('<span class="number">Listing %s.</span> '):format(number)
    or '') .. table.concat(parts, ', ')
end

local element = { new = 'ins', old = 'del', same = 'a' }

-- A line is an element that the theme numbers: <a>, <ins> when it is new, <del>
-- when it is dropped. Where all lines are new, marks would tell nothing. (An <a>
-- that leads nowhere is like a <span>, but shorter, and there are a thousand.)
local function code(file, entries)
  local text = {}
  for i, entry in ipairs(entries) do text[i] = entry.text end
  local language = sources.language(file)
  local plain = codebox.all(entries, 'new')
  local html = highlight(table.concat(text, '\n'), language)
  for i, entry in ipairs(entries) do
    local name = plain and 'a' or element[entry.kind]
    html[i] = ('<%s>%s\n</%s>'):format(name, html[i], name)
  end
  return ('<pre tabindex="0"><code class="%s" style="counter-reset:line %d">')
    :format(language, codebox.line_numbers(entries) - 1)
    .. table.concat(html) .. '</code></pre>'
end

-- attributes: what else the figure has, as HTML.
function codebox.figure(id, class, attributes, caption, file, entries)
  return book.html('<figure class="', class, '" id=', book.quote(id), attributes,
    '>\n<figcaption>', caption, '</figcaption>\n', code(file, entries),
    '\n</figure>')
end

return codebox
