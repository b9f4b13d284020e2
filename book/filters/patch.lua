-- patch.lua: what a patch in tests/ changes in the chapter: a break's, or the
-- solution of an exercise.
--
--   ``` {.code break="no-pae"}
--   ``` {.code solution="cpu-vendor"}
--
-- One figure for each hunk. With file="x" only those of one file.

local book = require 'book'
local codebox = require 'codebox'

local patch = {}

local kinds = { ['+'] = 'new', ['-'] = 'old', [' '] = 'same', [''] = 'same' }

-- The hunks of a unified diff: { file =, is_new =, line =, entries = }; see
-- changes.lua. The line is that of the file without the patch.
local function read_hunks(lines)
  local hunks, file, is_new, old, new = {}, nil, false, nil, nil
  for _, line in ipairs(lines) do
    if line:find('^%-%-%- ') then is_new = line == '--- /dev/null' end
    file = line:match('^%+%+%+ b/(.+)$') or file
    local from, to = line:match('^@@ %-(%d+)[,%d]* %+(%d+)[,%d]* @@')
    if from then
      old, new = tonumber(from), tonumber(to)
      hunks[#hunks + 1] = { file = file, is_new = is_new, line = old, entries = {} }
    elseif old and not line:find('^%-%-%- ') and not line:find('^%+%+%+ ') then
      local kind = kinds[line:sub(1, 1)]
      table.insert(hunks[#hunks].entries, { kind = kind, text = line:sub(2),
        n = kind == 'old' and old or new })
      if kind ~= 'new' then old = old + 1 end
      if kind ~= 'old' then new = new + 1 end
    end
  end
  return hunks
end

-- A file that only the patch has is no source of the book: there is no link.
local function caption(a, hunk)
  local lines = codebox.lines_in_words(hunk.entries)
  if hunk.is_new then
    return ('%s, new file, %s'):format(book.escape(hunk.file), lines)
  end
  local parts = { lines, codebox.changes_in_words(hunk.entries) }
  if a['break'] then
    table.insert(parts, 1, 'break <code>' .. book.escape(a['break']) .. '</code>')
  end
  return codebox.caption(a.number, book.subject, hunk.file, hunk.line, hunk.file,
    table.unpack(parts))
end

local function figure(a, hunk)
  local name = a['break'] and 'break-' .. a['break'] or a.solution
  local id = book.free_id(book.slug(name .. ' ' .. hunk.file))
  return codebox.figure(id, 'listing', '', caption(a, hunk), hunk.file, hunk.entries)
end

local function path_of(a)
  local path = a['break'] and 'tests/breaks/%s/%s.patch'
    or 'tests/exercises/%s/%s/solution.patch'
  return path:format(book.subject or '?', a['break'] or a.solution)
end

-- Do a listing's attributes ask for a patch?
function patch.is_meant(a)
  return a['break'] or a.solution
end

-- The figures, or nil and what is wrong.
function patch.figures(a)
  local path = path_of(a)
  local lines = book.read(path)
  if not lines then return nil, 'there is no ' .. path end
  local blocks = {}
  for _, hunk in ipairs(read_hunks(lines)) do
    if not a.file or a.file == hunk.file then
      blocks[#blocks + 1] = figure(a, hunk)
    end
  end
  if #blocks == 0 then return nil, path .. ' changes nothing there' end
  return blocks
end

return patch
