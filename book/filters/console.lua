-- console.lua: transcripts. Prompts and what the reader types are told apart
-- from what the machine answers; a test runs them again (tests/transcripts.py).
--
--   ``` {.console run="01-boot"}        run in chapters/01-boot
--   ``` {.console .static reason="..."} cannot be run here, and why

local book = require 'book'

local console = {}

local prompts = { '^(%$ )(.*)$', '^(%(gdb%) ?)(.*)$', '^(%(qemu%) ?)(.*)$',
  '^(kernel> )(.*)$' }

local function typed(line)
  for _, pattern in ipairs(prompts) do
    local prompt, command = line:match(pattern)
    if prompt then
      return ('<span class="prompt">%s</span><kbd class="cmd">%s</kbd>')
        :format(book.escape(prompt), book.escape(command))
    end
  end
end

-- Successive lines of output are one <samp>. A command goes on in the next line if
-- it ends in a backslash.
function console.html(text)
  local parts, output, continues = {}, {}, false
  local function flush()
    if #output == 0 then return end
    parts[#parts + 1] = '<samp>' .. table.concat(output, '\n') .. '</samp>'
    output = {}
  end
  for line in (text .. '\n'):gmatch('(.-)\n') do
    local html = continues and ('<kbd class="cmd">%s</kbd>'):format(book.escape(line))
      or typed(line)
    continues = html and line:find('\\$')
    if html then flush() end
    table.insert(html and parts or output, html or book.escape(line))
  end
  flush()
  return '<pre class="console" tabindex="0"><code>'
    .. table.concat(parts, '\n') .. '</code></pre>'
end

local function complaint(block)
  local a = block.attributes
  if block.classes:includes('static') then
    return not a.reason and 'a static transcript says reason="..."'
  end
  if not a.run then return 'a transcript says run="chapter"' end
  return not book.read('chapters/' .. a.run .. '/Makefile')
    and 'there is no chapter ' .. a.run
end

local function code_block(block)
  if not block.classes:includes('console') then return nil end
  local why = complaint(block)
  if why then book.problem(block, why) end
  return book.html(console.html(block.text))
end

console.filters = { { CodeBlock = code_block } }

return console
