-- source.lua: the page that lists the files of a chapter's kernel. Metadata:
-- files, their names.

package.path = PANDOC_SCRIPT_FILE:match('^(.*/)') .. '?.lua;' .. package.path

local book = require 'book'
local changes = require 'changes'

local function count(entries, kind)
  local lines = 0
  for _, entry in ipairs(entries) do
    if entry.kind == kind then lines = lines + 1 end
  end
  return lines
end

local function status(file)
  local entries, _, old = changes.entries(file)
  local new, dropped = count(entries, 'new'), count(entries, 'old')
  if not old then return 'new' end
  if new + dropped == 0 then return 'unchanged' end
  return ('+%d −%d'):format(new, dropped)
end

local function row(file)
  local lines = book.read('chapters/' .. book.chapter .. '/' .. file)
  local change = book.previous and '<td>' .. status(file) .. '</td>' or ''
  return ('<tr><td><a href="source/%s/%s.txt">%s</a></td><td>%d</td>%s</tr>')
    :format(book.chapter, file, file, #lines, change)
end

local function table_of(files)
  local rows = {}
  for file in files:gmatch('%S+') do rows[#rows + 1] = row(file) end
  local since = book.previous and '<th>Since ' .. book.previous .. '</th>' or ''
  return book.html('<div class="table"><table>\n',
    '<thead><tr><th>File</th><th>Lines</th>', since, '</tr></thead>\n<tbody>\n',
    table.concat(rows, '\n'), '\n</tbody></table></div>')
end

function Pandoc(document)
  local meta = document.meta
  local files = pandoc.utils.stringify(meta.files)
  book.start(meta)
  meta.title = 'The kernel of chapter ' .. tonumber(book.chapter:match('^%d+'))
  meta.pagetitle = meta.title
  meta.description = 'Every file of chapters/' .. book.chapter .. '.'
  meta.prev = { url = book.chapter .. '.html', title = 'Back to the chapter' }
  return pandoc.Pandoc({ table_of(files) }, meta)
end
