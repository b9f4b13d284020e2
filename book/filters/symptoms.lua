-- symptoms.lua: the marks of the page of symptoms.
--
--   [01-boot/no-pae]{.try}   a break that shows one: becomes the command that runs
--                            it, and a link to where its chapter names it, if it does
--   `Triple fault`{.seen}    what the reader sees: tests/test_book_symptoms.py proves
--                            that a break shows it, and no mark is left of it

local book = require 'book'
local mentions = require 'mentions'

local symptoms = {}

local function names(span)
  return pandoc.utils.stringify(span):match('^([%w-]+)/([%w-]+)$')
end

-- First pass: is there such a break?
local function check(span)
  if not span.classes:includes('try') then return nil end
  local chapter, name = names(span)
  local path = ('tests/breaks/%s/%s.patch'):format(chapter, name)
  if not chapter or not book.read(path) then
    book.problem(span, 'there is no ' .. path)
  end
end

-- Second pass.
function symptoms.link(span)
  local chapter, name = names(span)
  local place = mentions.of_break(chapter, name)
  local command = pandoc.Code(('make break CHAPTER=%s BREAK=%s')
    :format(chapter:match('^%d+'), name))
  return place and pandoc.Link({ command }, place) or command
end

local function unmark(code)
  return code.classes:includes('seen') and pandoc.Code(code.text) or nil
end

symptoms.filters = { { Span = check, Code = unmark } }

return symptoms
