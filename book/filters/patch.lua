-- patch.lua: what a break changes, from its patch in tests/breaks.
--
--   ``` {.code break="no-pae"}
--   ```
--
-- One figure for each hunk. With file="x" only those of one file.

local book = require 'book'
local codebox = require 'codebox'

local kinds = { ['+'] = 'new', ['-'] = 'old', [' '] = 'same', [''] = 'same' }

-- The hunks of a unified diff: { file =, entries = }; see changes.lua.
local function read_hunks(lines)
  local hunks, file, old, new = {}, nil, nil, nil
  for _, line in ipairs(lines) do
    file = line:match('^%+%+%+ b/(.+)$') or file
    local from, to = line:match('^@@ %-(%d+)[,%d]* %+(%d+)[,%d]* @@')
    if from then
      old, new = tonumber(from), tonumber(to)
      hunks[#hunks + 1] = { file = file, entries = {} }
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

local function figure(name, hunk, number)
  local id = book.free_id(book.slug('break-' .. name .. ' ' .. hunk.file))
  local caption = codebox.caption(number, book.chapter, hunk.file, hunk.file,
    'break <code>' .. book.escape(name) .. '</code>',
    codebox.lines_in_words(hunk.entries), codebox.changes_in_words(hunk.entries))
  return codebox.figure(id, 'listing', '', caption, hunk.file, hunk.entries)
end

-- The figures, or nil and what is wrong.
return function (a)
  local path = ('tests/breaks/%s/%s.patch')
    :format(book.chapter or '?', a['break'])
  local lines = book.read(path)
  if not lines then return nil, 'there is no ' .. path end
  local blocks = {}
  for _, hunk in ipairs(read_hunks(lines)) do
    if not a.file or a.file == hunk.file then
      blocks[#blocks + 1] = figure(a['break'], hunk, a.number)
    end
  end
  if #blocks == 0 then return nil, path .. ' changes nothing there' end
  return blocks
end
