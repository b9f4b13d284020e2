-- recording.lua: reads a recording of the machine, which the build makes of a
-- chapter's kernel (common/gdb says how), and says what it has at each step.
--
-- A step is the machine before an instruction runs; the file tells only what
-- differs from the step before. All values are hexadecimal, "0x1f".

local book = require 'book'
local json = require 'json'

local recording = {}

local STEPS, WALK = 'trapframe-steps 1', 'trapframe-walk 1'
local CHART = 'trapframe-chart 1'

-- The machine's registers as they are shown; what else is recorded comes last.
local registers = { 'rax', 'rbx', 'rcx', 'rdx', 'rsi', 'rdi', 'rbp', 'rsp',
  'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15',
  'rip', 'rflags', 'cs', 'ss' }

-- Gives each step all its fields. A target gets its name for its address.
local function complete(steps)
  local file, line
  for _, step in ipairs(steps) do
    file, line = step.file or file, step.line or line
    step.file, step.line = file, line
    step.code = step.code:gsub('%s+', ' '):gsub('0x%x+ <([^>]+)>', '%1')
      :gsub('%[rip[+-]0x%x+%] # (%S+)$', '[%1]')
    step.set, step.stack = step.set or {}, step.stack or {}
  end
end

-- The moments in their order, as { name =, step = }, steps from 1.
local function in_order(moments)
  local list = {}
  for name, step in pairs(moments) do
    list[#list + 1] = { name = name, step = step + 1 }
  end
  table.sort(list, function (a, b)
    if a.step ~= b.step then return a.step < b.step end
    return a.name < b.name
  end)
  return list
end

-- How many digits at the end of the stack's addresses tell them apart, three at
-- least, and how many letters the longest value on it has.
local function measure(steps)
  local first, same, longest = nil, nil, 0
  for _, step in ipairs(steps) do
    for address, word in pairs(step.stack) do
      first, same = first or address, same or #address
      while address:sub(1, same) ~= first:sub(1, same) do
        same = same - 1
      end
      longest = math.max(longest, #word[1])
    end
  end
  return math.max(3, #(first or '') - (same or 0)), longest
end

-- The object of this format that the build has made, or nil and what is wrong.
-- It has at least one of these parts.
local function made(name, format, parts)
  local path = 'build/book/.cache/recordings/' .. name .. '.json'
  local lines = book.read(path)
  if not lines then return nil, 'there is no book/recordings/' .. name end
  local object, why = json.decode(table.concat(lines, '\n'))
  if not object then return nil, path .. ': ' .. why end
  if object.format ~= format then return nil, path .. ' is no ' .. format end
  if #(object[parts] or {}) == 0 then return nil, path .. ' has no ' .. parts end
  return object
end

-- The recording of this name, or nil and what is wrong with it.
function recording.read(name)
  local tape, why = made(name, STEPS, 'steps')
  if not tape then return nil, why end
  complete(tape.steps)
  tape.moments = in_order(tape.moments or {})
  tape.digits, tape.width = measure(tape.steps)
  return tape
end

-- The walk of this name, or nil and what is wrong with it. See walk.lua.
function recording.walk(name)
  return made(name, WALK, 'steps')
end

-- The lines of this name, or nil and what is wrong with them. See chart.lua.
function recording.chart(name)
  return made(name, CHART, 'lines')
end

-- Is an address below another one?
function recording.below(a, b)
  return math.ult(tonumber(a), tonumber(b))
end

-- The names of the registers, in the order to show them in.
function recording.registers(tape)
  local list, seen = {}, {}
  for _, name in ipairs(registers) do
    if tape.steps[1].set[name] then list[#list + 1] = name end
    seen[name] = true
  end
  local others = {}
  for name in pairs(tape.steps[1].set) do
    if not seen[name] then others[#others + 1] = name end
  end
  table.sort(others)
  return table.move(others, 1, #others, #list + 1, list)
end

-- The stack before step number at, from high addresses to rsp: words
-- { address =, value =, name =, who =, old = was it there before step 1? }
function recording.stack(tape, at)
  local words, rsp = {}, nil
  for i = 1, at do
    for address, word in pairs(tape.steps[i].stack) do
      words[address] = { address = address, value = word[1], name = word[2],
        who = word[3], old = tape.steps[1].stack[address] ~= nil }
    end
    rsp = tape.steps[i].set.rsp or rsp
  end
  local list = {}
  for address, word in pairs(words) do
    if not recording.below(address, rsp) then list[#list + 1] = word end
  end
  table.sort(list, function (a, b)
    return recording.below(b.address, a.address)
  end)
  return list
end

local known = { srcline = 1, recording = 1, caption = 1, number = 1 }

-- What is wrong with the attributes of a block that shows a recording, or nil.
function recording.complaint(block)
  for key in pairs(block.attributes) do
    if not known[key] then return 'has no attribute ' .. key .. '=' end
  end
  if block.identifier == '' then return 'needs an id, #fig:...' end
  if not block.attributes.caption then return 'needs caption="..."' end
  if not block.attributes.recording then
    return 'needs recording="chapter/name"'
  end
end

return recording
