-- stepper.lua: a recording of the machine that the reader steps through.
--
--   ``` {.stepper #fig:int3 recording="04-returning/int3" caption="..."}
--   cpu-pushes: What to look at, in a sentence or two of Markdown.
--   c-handler "In C": The moment is called "In C" on this page.
--   `cld`: A note for every step where this instruction comes next.
--   isr_common+21: A note for the step at this place.
--   ```
--
-- The build makes the recording of the chapter's kernel, with the options of
-- common/record that stand in book/recordings/04-returning/int3. Its moments
-- have the names that the notes use. A note is shown when the machine has come
-- to its step, and goes on in lines that are indented; what the reader sees at
-- other steps is made from the recording. [so](#fig-int3-cpu-pushes) links to a
-- moment.
--
-- Without JavaScript, and on paper, the page shows the stack at each moment.
-- The rest goes to build/book/.cache/PAGE.steps as JSON, of which the Makefile
-- makes the page's script together with theme/stepper/.

local book = require 'book'
local figure = require 'figure'
local highlight = require 'highlight'
local json = require 'json'
local notes = require 'notes'
local recording = require 'recording'
local sources = require 'sources'
local stacks = require 'stacks'

local AROUND = 6  -- lines of source above and below those that run

local owners = { cpu = 'CPU', stub = 'stub', common = 'isr_common', c = 'C' }

-- Source --------------------------------------------------------------------

-- The lines of a file that the recording names.
local function lines_run(tape, file)
  local lines, last = {}, 0
  for _, step in ipairs(tape.steps) do
    if step.file == file and step.line then
      lines[step.line] = true
      last = math.max(last, step.line)
    end
  end
  return lines, last
end

-- Runs of lines { first, last } that contain what runs and what is around it.
local function runs_of(lines, count)
  local runs = {}
  for n = 1, count do
    if lines[n] then
      local first, last = math.max(1, n - AROUND), math.min(count, n + AROUND)
      local run = runs[#runs]
      if run and first <= run[2] + 2 then
        run[2] = last
      else
        runs[#runs + 1] = { first, last }
      end
    end
  end
  return runs
end

-- What the page shows of a file: { name, address, first line, html ... }, the
-- last two for each run of lines.
local function excerpt(tape, file)
  local run_lines, last = lines_run(tape, file)
  local text = book.read('chapters/' .. tape.chapter .. '/' .. file)
  if not text or #text < last then return nil end
  local html = highlight(table.concat(text, '\n'), (sources.language(file)))
  local parts = { file, ('source/%s/%s.txt'):format(tape.chapter, file) }
  for _, run in ipairs(runs_of(run_lines, #text)) do
    local lines = table.concat(html, '\n', run[1], run[2])
    parts[#parts + 1] = run[1]
    parts[#parts + 1] = lines:gsub(' class="(%w+)"', ' class=%1')
  end
  return parts
end

-- The files of a recording, and the index of each by its name, from 0.
local function excerpts(tape)
  local list, index = {}, {}
  for _, step in ipairs(tape.steps) do
    if step.file and not index[step.file] then
      local part = excerpt(tape, step.file)
      if not part then return nil, step.file end
      list[#list + 1] = part
      index[step.file] = #list - 1
    end
  end
  return list, index
end

-- For the component ----------------------------------------------------------

local function owner(who)
  return owners[who] or who
end

local function words_of(step)
  local words = {}
  for address, word in pairs(step.stack) do
    words[#words + 1] = { address, word[1], word[2], owner(word[3]) }
  end
  table.sort(words, function (a, b) return recording.below(b[1], a[1]) end)
  return words
end

-- See theme/stepper/stepper.js for what this is.
local function data(tape, files, file_index)
  local steps, moments = {}, {}
  for i, step in ipairs(tape.steps) do
    steps[i] = { step.place or '', step.code,
      step.line and file_index[step.file] or -1, step.line or 0,
      step.set, words_of(step), step.note or '', step.over and 1 or 0 }
  end
  for i, moment in ipairs(tape.moments) do
    moments[i] = { moment.title, moment.step - 1, moment.name }
  end
  return json.encode { registers = recording.registers(tape), files = files,
    moments = moments, steps = steps, digits = tape.digits }
end

-- The block ------------------------------------------------------------------

local recordings = {}  -- of the page: members of a JSON object
-- The stepper as HTML, or nil, what is wrong and perhaps on which line.
local function draw(block, id)
  local why = recording.complaint(block)
  if why then return nil, 'a stepper ' .. why end
  local tape, list, line, files, index
  tape, why = recording.read(block.attributes.recording)
  if not tape then return nil, why end
  list, why, line = notes.read(block)
  if not list then return nil, why, line end
  files, index = excerpts(tape)
  if not files then
    return nil, ('chapters/%s/%s is not what %s was recorded of')
      :format(tape.chapter, index, block.attributes.recording)
  end
  notes.attach(tape, list)
  recordings[#recordings + 1] = ('%q:%s'):format(id, data(tape, files, index))
  return ('<trap-stepper role="group" aria-label=%s style="--digits:%d;'
      .. '--value:%dch">\n%s\n</trap-stepper>'):format(
      book.quote(block.attributes.caption), tape.digits, tape.width,
      stacks(tape, id))
    .. (#recordings > 1 and '' or '\n<script src="' .. book.page
      .. '.steps.js"></script>')
end

local function stepper(block)
  if not block.classes:includes('stepper') then return nil end
  local id = block.identifier:gsub(':', '-')
  local html, why, line = draw(block, id)
  if not html then
    book.problem(line or block, why)
    return {}
  end
  return figure.blocks({ class = 'stepper', identifier = block.identifier,
      number = block.attributes.number }, html,
    pandoc.read(block.attributes.caption, 'markdown').blocks[1].content)
end

local function report()
  if #recordings > 0 then
    book.write('build/book/.cache/' .. book.page .. '.steps',
      '{' .. table.concat(recordings, ',\n') .. '}')
  end
end

return { filters = { { CodeBlock = stepper }, { Pandoc = report } } }
