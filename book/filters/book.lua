-- book.lua: what the filters share: the page at hand, the files it reads, the
-- ids it gives out, and how an author hears of a mistake.
--
-- Pandoc runs in the root of the book, so paths are relative to it. The
-- Makefile passes as metadata: page ("01-boot") and chapters, all in order.

local book = {
  page = '',        -- name of the page, without .md or .html
  file = '',        -- the Markdown it comes from
  chapter = nil,    -- name of the chapter the page is about, if it is a chapter
  previous = nil,   -- name of the chapter before, if there is one
  subject = nil,    -- name of the chapter, also if the page solves its exercises
  number = '',      -- "1." for a chapter: what the numbers of its figures begin with
  draft = os.getenv 'DRAFT' ~= nil,  -- go on in spite of mistakes?
  files = {},       -- every file read: what the page has to be made again for
}

-- The lines of a file, or nil when it does not exist.
function book.read(path)
  local file = io.open(path)
  if not file then return nil end
  local lines = {}
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  book.files[path] = true
  return lines
end

-- A rule for make: the target depends on all that was read. The second makes a
-- file that is gone no error.
function book.dependencies(target)
  local paths = {}
  for path in pairs(book.files) do paths[#paths + 1] = '$(ROOT)/' .. path end
  table.sort(paths)
  local list = table.concat(paths, ' ')
  return ('%s: %s\n\n%s:\n'):format(target, list, list)
end

local problems = 0

-- The first line of the page's Markdown with a text.
local function line_with(text)
  for number, line in ipairs(book.read(book.file) or {}) do
    if line:find(text, 1, true) then return number end
  end
end

-- The page has a mistake: on a line, at an element that reader.lua has numbered,
-- or where a text first occurs. All mistakes are reported before the build
-- stops; see book.finish.
function book.problem(where, message)
  local line = where
  if type(where) == 'string' then
    line = line_with(where)
  elseif type(where) ~= 'number' then
    line = where and tonumber(where.attributes.srcline)
  end
  io.stderr:write(('%s:%d: %s\n'):format(book.file, line or 1, message))
  problems = problems + 1
end

function book.finish()
  if problems > 0 and not book.draft then os.exit(1) end
end

-- Takes what the Makefile says from the document's metadata.
function book.start(meta)
  book.page = pandoc.utils.stringify(meta.page)
  book.file = 'book/' .. book.page .. '.md'
  local solved = book.page:match('^solutions%-(.+)$')
  local previous
  for chapter in pandoc.utils.stringify(meta.chapters):gmatch('%S+') do
    if chapter == book.page then
      book.chapter, book.previous = chapter, previous
    end
    if chapter == (solved or book.page) then book.subject = chapter end
    previous = chapter
  end
  local number = book.page:match('^(%d+)%-')
  book.number = number and tonumber(number) .. '.' or ''
end

local entities = { ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;' }

-- Text for HTML: between tags, and with quotes as well inside an attribute.
function book.escape(text)
  return (text:gsub('[&<>]', entities))
end

function book.quote(text)
  return '"' .. book.escape(text):gsub('"', '&quot;') .. '"'
end

-- "64-bit IDT!" becomes "64-bit-idt": part of an id.
function book.slug(text)
  return (text:gsub('[^%w_]+', '-'):gsub('^%-', ''):gsub('%-$', ''))
end

local ids = {}

-- Claims an id of the page, which nobody else may have.
function book.claim(id, where)
  if ids[id] then
    book.problem(where, ('the id "%s" is taken; choose another'):format(id))
  end
  ids[id] = true
  return id
end

-- The same, but base-2, base-3 ... when base is taken.
function book.free_id(base)
  local id, count = base, 2
  while ids[id] do id, count = base .. '-' .. count, count + 1 end
  ids[id] = true
  return id
end

-- Calls visit(block) for every block in the order of the text, those inside
-- lists, quotations and boxes included.
function book.each_block(blocks, visit)
  for _, block in ipairs(blocks) do
    visit(block)
    local inner = block.t == 'Div' and { block.content }
      or block.t == 'BlockQuote' and { block.content }
      or (block.t == 'BulletList' or block.t == 'OrderedList') and block.content
      or {}
    for _, part in ipairs(inner) do book.each_block(part, visit) end
  end
end

-- 1234567.8 is 1,234,568.
function book.grouped(number)
  local text = ('%.0f'):format(number)
  repeat
    local count
    text, count = text:gsub('^(%d+)(%d%d%d)', '%1,%2')
  until count == 0
  return text
end

function book.html(...)
  return pandoc.RawBlock('html', table.concat { ... })
end

-- A Lua value of tables, strings and numbers as Lua source, keys in order.
function book.serialize(value)
  if type(value) ~= 'table' then return ('%q'):format(value) end
  local keys, parts = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function (a, b)
    if type(a) == type(b) then return a < b end
    return type(a) == 'number'
  end)
  for _, key in ipairs(keys) do
    parts[#parts + 1] = ('[%q]=%s'):format(key, book.serialize(value[key]))
  end
  return '{' .. table.concat(parts, ',\n') .. '}'
end

function book.write_if_changed(path, text)
  local file = io.open(path)
  local same = file and file:read('a') == text
  if file then file:close() end
  if not same then book.write(path, text) end
end

function book.write(path, text)
  local file = assert(io.open(path, 'w'))
  file:write(text)
  file:close()
end

return book
