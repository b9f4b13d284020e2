-- shell.lua: writes a page of the website, through the template, from a filter
-- that makes many.
--
--   shell.write('source/01-boot/main.c', meta, body)   body: HTML
--   shell.search   metadata: is there a search?

local book = require 'book'

local THEME = PANDOC_SCRIPT_FILE:match('^(.*/)') .. '../theme/'

local shell = {}
local template

function shell.write(name, meta, body)
  local path = THEME .. 'template.html'
  template = template
    or pandoc.template.compile(table.concat(book.read(path), '\n'), path)
  meta.pagetitle, meta.search = meta.title, shell.search
  book.write('build/book/' .. name .. '.html', pandoc.write(
    pandoc.Pandoc({ book.html(body) }, pandoc.Meta(meta)), 'html',
    pandoc.WriterOptions { template = template }))
end

return shell
