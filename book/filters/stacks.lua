-- stacks.lua: the stack at each moment of a recording, for those who read the
-- page without JavaScript, or on paper.

local book = require 'book'
local recording = require 'recording'

local FOLD = 6  -- so many words that did not change become one row

local function row(class, address, name, value)
  class = class ~= '' and ' class="' .. class .. '"' or ''
  return ('<tr%s>%s<td>%s</td><td>%s</td></tr>')
    :format(class, address, book.escape(name), value)
end

local function word_row(tape, word, class)
  local address = '…' .. word.address:sub(-tape.digits)
  return row(class, ('<th scope="row">%s</th>'):format(address), word.name,
    word.value)
end

local function fold(words)
  local first, last = words[1].name, words[#words].name
  if words[1].old then return #words .. ' older words' end
  return ('%s … %s, %d words'):format(first, last, #words)
end

local function same_word(a, b)
  return b and a.value == b.value and a.name == b.name
end

-- Can the two words be in one row?
local function alike(a, b)
  return a.old and b.old or a.who == b.who
end

-- The rows of a stack. Words that were there before become one row, if they are
-- many of one owner, or older than the recording.
local function rows_of(tape, stack, before)
  local rows, kept, had = {}, {}, {}
  for _, word in ipairs(before or {}) do had[word.address] = word end
  local function flush()
    local many = kept[1] and kept[1].old and 2 or FOLD
    if before and #kept >= many then
      rows[#rows + 1] = row('rest', '<td></td>', fold(kept), '')
    else
      for _, word in ipairs(kept) do
        rows[#rows + 1] = word_row(tape, word, '')
      end
    end
    kept = {}
  end
  for i, word in ipairs(stack) do
    local same = not before or same_word(word, had[word.address])
    local last = i == #stack
    if not same or last or kept[1] and not alike(kept[1], word) then flush() end
    if same and not last then
      kept[#kept + 1] = word
    else
      local class = (same and '' or 'new') .. (last and ' rsp' or '')
      rows[#rows + 1] = word_row(tape, word, class)
    end
  end
  return table.concat(rows)
end

local function moment_html(tape, id, at)
  local moment, before = tape.moments[at], tape.moments[at - 1]
  local step = tape.steps[moment.step]
  local stack = recording.stack(tape, moment.step)
  local old = before and recording.stack(tape, before.step)
  local next_code = at < #tape.moments
    and ('Next: <code>%s</code>.'):format(book.escape(step.code)) or ''
  return ('<div class="moment" id="%s-%s"><p><b>%s.</b> %s %s</p>')
      :format(id, moment.name, book.escape(moment.title), step.note or '',
        next_code)
    .. ('<table aria-label=%s>%s</table></div>'):format(
      book.quote('The stack: ' .. moment.title), rows_of(tape, stack, old))
end

return function (tape, id)
  local parts = {}
  for at = 1, #tape.moments do parts[at] = moment_html(tape, id, at) end
  return '<div class="moments">' .. table.concat(parts, '\n') .. '</div>'
end
