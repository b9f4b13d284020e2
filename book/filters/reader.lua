-- reader.lua: Pandoc's Markdown, in which every element that has attributes
-- also knows the line it stands on, as the attribute srcline. Pandoc itself
-- forgets lines; without them no mistake could be reported where it is.
--
-- What Pandoc would silently take for text, a fence or a box that is never
-- closed, is an error here.

-- figure.lua makes the figures.
local FORMAT_READ = 'markdown-raw_tex-latex_macros-implicit_figures'

local name
local failed = false

local function problem(line, message)
  io.stderr:write(('%s:%d: %s\n'):format(name, line, message))
  failed = true
end

-- Adds the attribute behind each "]{" and "){" that is not inside `code`.
local function number_spans(line, number)
  local result, at = {}, 1
  while at <= #line do
    local first, last = line:find('`+', at)
    local text = line:sub(at, (first or #line + 1) - 1)
    result[#result + 1] =
      text:gsub('([%]%)]){', '%1{srcline=' .. number .. ' ')
    if not first then break end
    local ticks = line:sub(first, last)
    local _, close = line:find('%f[`]' .. ticks .. '%f[^`]', last + 1)
    result[#result + 1] = line:sub(first, close or last)
    at = (close or last) + 1
  end
  return table.concat(result)
end

local function number_heading(line, number)
  return (line:gsub('{([^{}]*)}%s*$', '{srcline=' .. number .. ' %1}'))
end

-- ":::" lines open and close boxes.
local function number_box(line, number, open)
  local rest = line:match('^%s*:::+%s*(.-)%s*:*%s*$')
  if rest == '' then
    if #open == 0 then problem(number, 'this ":::" closes no box') end
    open[#open] = nil
    return line
  end
  open[#open + 1] = number
  local attributes = rest:match('^{(.*)}$') or '.' .. rest
  return ('%s::: {srcline=%d %s}'):format(line:match('^%s*'), number, attributes)
end

local function number_lines(text)
  local lines, number, boxes = {}, 0, {}
  local fence, fence_line
  for line in text:gmatch('([^\n]*)\n') do
    number = number + 1
    local ticks, info = line:match('^%s*(```+)(.*)$')
    if fence then
      if ticks and #ticks >= #fence and info:match('^%s*$') then fence = nil end
    elseif ticks and not info:find('`') then
      fence, fence_line = ticks, number
      line = line:gsub('{', '{srcline=' .. number .. ' ', 1)
    elseif line:match('^%s*:::') then
      line = number_box(line, number, boxes)
    elseif line:match('^#') then
      line = number_heading(line, number)
    else
      line = number_spans(line, number)
    end
    lines[number] = line
  end
  if fence then problem(fence_line, 'this code block is never closed') end
  for _, at in ipairs(boxes) do problem(at, 'this box is never closed') end
  return table.concat(lines, '\n') .. '\n'
end

-- Attributes that Pandoc could not read are still there, as text.
local function check_attributes(element)
  local number = element.text:match('{srcline=(%d+)')
  if number then
    problem(tonumber(number), 'what stands in braces has to be #id, .class or '
      .. 'key="value"')
  end
end

local function stop_if_failed()
  if failed and not os.getenv 'DRAFT' then os.exit(1) end
end

function Reader(sources)
  name = PANDOC_STATE.input_files[1]
  local text = number_lines(tostring(sources) .. '\n')
  stop_if_failed()
  local document = pandoc.read(text, FORMAT_READ)
  local check = { Str = check_attributes, Code = check_attributes,
    CodeBlock = check_attributes }
  for _, block in ipairs(document.blocks) do pandoc.walk_block(block, check) end
  stop_if_failed()
  return document
end
