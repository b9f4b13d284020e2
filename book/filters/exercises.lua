-- exercises.lua: the list of all exercises, by chapter, from the facts of all pages
-- and their labels (merge.lua). What an exercise is about is the title of the
-- section that solves it, #sol:NAME.

local book = require 'book'

local LEVELS = { 'one-liner', 'hour', 'evening' }
local told = { ['one-liner'] = 'to be solved by a line or two',
  hour = 'for an hour', evening = 'for an evening' }

local function anchor(id)
  return (id:gsub(':', '-'))
end

local function item(exercise, labels)
  local page = labels[exercise.id].page
  local id = 'sol:' .. exercise.name
  local solution = labels[id]
  if not solution then
    book.problem(1, 'nothing is called #' .. id)
    return ''
  end
  return ('<li><a href="%s.html#%s">%s %s</a> · <bdi>%s · '
    .. '<a href="%s.html#%s">Solution</a></bdi>'):format(page, anchor(exercise.id),
    exercise.number, book.escape(solution.text), exercise.level, solution.page,
    anchor(id))
end

local function of_chapter(page, labels)
  local items = {}
  for i, exercise in ipairs(page.exercises) do items[i] = item(exercise, labels) end
  local title = ('%d. %s'):format(page.name:match('^%d+'), page.title)
  return pandoc.Header(3, title, { id = 'of-' .. page.name }),
    book.html('<ul class="exercises">\n', table.concat(items, '\n'), '\n</ul>')
end

-- "36 exercises: 9 to be solved by a line or two, ..."
local function counted(pages)
  local all, counts, parts = 0, {}, {}
  for _, page in ipairs(pages) do
    for _, exercise in ipairs(page.exercises) do
      all = all + 1
      counts[exercise.level] = (counts[exercise.level] or 0) + 1
    end
  end
  for i, level in ipairs(LEVELS) do
    parts[i] = ('%d %s'):format(counts[level] or 0, told[level])
  end
  return pandoc.Para(('%d exercises: %s.'):format(all, table.concat(parts, ', ')))
end

return function (pages, labels)
  local blocks = { counted(pages) }
  for _, page in ipairs(pages) do
    if #page.exercises > 0 then
      local heading, list = of_chapter(page, labels)
      table.move({ heading, list }, 1, 2, #blocks + 1, blocks)
    end
  end
  return blocks
end
