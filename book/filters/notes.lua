-- notes.lua: what authors say about the steps of a recording (see stepper.lua).

local book = require 'book'

local notes = {}

-- What the moments are called that a recording of an exception has.
local titles = { ['before'] = 'Before', ['cpu-pushes'] = 'CPU pushes the frame',
  ['registers-saved'] = 'Registers saved', ['c-handler'] = 'C handler',
  ['frame-changed'] = 'Frame changed', ['c-returned'] = 'Back from C',
  ['registers-restored'] = 'Registers restored', ['iretq'] = 'iretq',
  ['resumed'] = 'Resumed' }

local function html_of(markdown)
  local block = pandoc.read(markdown, 'markdown').blocks[1]
  if not block then return '' end
  local document = pandoc.Pandoc { pandoc.Plain(block.content) }
  local text = pandoc.write(document, 'html')
  return (text:gsub('\n', ' '))
end

-- The notes of a block as { key =, title =, text =, line = }, or nil, what is
-- wrong and in which line.
function notes.read(block)
  local list, line = {}, tonumber(block.attributes.srcline)
  for text in (block.text .. '\n'):gmatch('(.-)\n') do
    line = line + 1
    local key, rest = text:match('^(`[^`]+`)(.*)$')
    if not key then key, rest = text:match('^([^%s:"]+)(.*)$') end
    local title, note = nil, rest and rest:match('^:%s*(.-)%s*$')
    if rest and not note then
      title, note = rest:match('^%s+"([^"]+)"%s*:%s*(.-)%s*$')
    end
    if key and note then
      list[#list + 1] = { key = key, title = title, text = note, line = line }
    elseif text:find('^%s+%S') and #list > 0 then
      local last = list[#list]
      last.text = last.text .. ' ' .. text:match('^%s+(.-)%s*$')
    elseif text:find('%S') then
      return nil, 'a note says where it belongs, "moment: text"', line
    end
  end
  return list
end

local function moment_named(tape, name)
  for _, moment in ipairs(tape.moments) do
    if moment.name == name then return moment end
  end
end

-- The steps before which the machine is at a place, or at an instruction.
local function steps_at(tape, key)
  local code = key:match('^`(.*)`$')
  local steps = {}
  for _, step in ipairs(tape.steps) do
    if step.place == key or code and step.code == code:gsub('%s+', ' ') then
      steps[#steps + 1] = step
    end
  end
  return steps
end

local function names_of(tape)
  local names = {}
  for i, moment in ipairs(tape.moments) do names[i] = moment.name end
  return table.concat(names, ', ')
end

-- Gives steps their notes and moments their titles. The note of a moment goes
-- before others, and of others the first.
function notes.attach(tape, list)
  for _, moment in ipairs(tape.moments) do
    moment.title = titles[moment.name] or moment.name:gsub('-', ' ')
  end
  for _, note in ipairs(list) do
    local moment = moment_named(tape, note.key)
    local steps = moment and { tape.steps[moment.step] }
      or steps_at(tape, note.key)
    if #steps == 0 then
      book.problem(note.line, ('the recording never comes to %s; its moments '
        .. 'are %s'):format(note.key, names_of(tape)))
    end
    if moment then moment.title = note.title or moment.title end
    local html = note.text ~= '' and html_of(note.text) or nil
    for _, step in ipairs(steps) do
      if moment or not step.note then step.note = html end
    end
  end
end

return notes
