-- boxes.lua: what stands apart from the text.
--
--   ::: {.break name="no-cld"}                    run by make break BREAK=no-cld
--   ::: {.exercise #ex:x check="x" level="hour"}  make check EXERCISE=x
--   ::: {.real}                                   In real kernels
--   ::: {.limits}                                 What this cannot do
--
-- Each may have title="..." to be called something else. A break or exercise
-- belongs to the page's chapter, and has to exist in tests/. In an exercise there
-- are hints, "::: hint", which unfold one by one; its solution is the section
-- #sol:x of another page.

local book = require 'book'
local console = require 'console'

local titles = { ['break'] = 'Break it', real = 'In real kernels',
  limits = 'What this cannot do' }
local levels = { ['one-liner'] = 1, hour = 1, evening = 1 }

local boxes = { exercises = {} }  -- what the list of all of them has to know

local function command(text)
  return book.html(console.html('$ ' .. text))
end

local function exists(kind, name, file)
  return book.chapter ~= nil and name ~= nil and book.read(
    ('tests/%s/%s/%s%s'):format(kind, book.chapter, name, file)) ~= nil
end

local function missing(kind, name, file)
  return ('there is no tests/%s/%s/%s%s'):format(kind, book.chapter or '?',
    name or '?', file)
end

-- Title, id and last blocks of the two kinds that the reader runs.
local runs = {}

runs['break'] = function (div)
  local name = div.attributes.name
  if not exists('breaks', name, '.patch') then
    return missing('breaks', name, '.patch')
  end
  return nil, titles['break'], book.claim('break-' .. name, div),
    { command('make break BREAK=' .. name) }
end

local function is_hint(block)
  return block.t == 'Div' and block.classes:includes 'hint'
end

-- Makes hints unfold; how many there are.
local function unfold(div)
  local content, count = pandoc.List {}, 0
  for _, block in ipairs(div.content) do
    if is_hint(block) then
      count = count + 1
      content:insert(book.html(
        ('<details class="hint"><summary>Hint %d</summary>'):format(count)))
      content:extend(block.content)
      content:insert(book.html '</details>')
    else
      content:insert(block)
    end
  end
  div.content = content
  return count
end

-- What the check says in the end, and the way to the solution.
local function outcome(a)
  local solution = pandoc.Link('Solution of ' .. a.number,
    '#sol:' .. a.check, '', { srcline = a.srcline })
  return pandoc.Para { pandoc.RawInline('html', 'It ends with <samp>Solved.</samp>'
    .. ' or says what is missing. '), solution }
end

function runs.exercise(div)
  local a = div.attributes
  if not levels[a.level] then
    return 'an exercise has level="one-liner", "hour" or "evening"'
  elseif not exists('exercises', a.check, '/solution.patch') then
    return missing('exercises', a.check, '/solution.patch')
  elseif unfold(div) == 0 then
    return 'an exercise has a hint, "::: hint"'
  end
  table.insert(boxes.exercises, { id = div.identifier, name = a.check,
    number = a.number, level = a.level })
  local title = ('Exercise %s <span class="level">%s</span>')
    :format(a.number, a.level)
  return nil, title, (div.identifier:gsub(':', '-')),
    { command('make check EXERCISE=' .. a.check), outcome(a) }
end

local function kind_of(div)
  for _, class in ipairs(div.classes) do
    if titles[class] or runs[class] then return class end
  end
end

local known = { srcline = 1, name = 1, check = 1, level = 1, number = 1,
  title = 1 }

local function unknown(div)
  for key in pairs(div.attributes) do
    if not known[key] then return 'a box has no attribute ' .. key .. '=' end
  end
end

local function box(div)
  local kind = kind_of(div)
  if not kind then return nil end
  local why, title, id, last = unknown(div), titles[kind], nil, nil
  if not why and runs[kind] then why, title, id, last = runs[kind](div) end
  if why then
    book.problem(div, why)
    return {}
  end
  id = id or book.free_id(kind)
  title = div.attributes.title and book.escape(div.attributes.title) or title
  local content = div.content
  content:insert(1, book.html(
    ('<p class="box-title" id="%s-title">%s</p>'):format(id, title)))
  if last then content:extend(last) end
  return pandoc.Div(content, pandoc.Attr(id, { 'box', kind },
    { { 'role', 'group' }, { 'aria-labelledby', id .. '-title' } }))
end

local function stray_hint(div)
  if is_hint(div) then book.problem(div, 'a hint stands in an exercise') end
end

boxes.filters = { { Div = box }, { Div = stray_hint } }

return boxes
