-- highlight.lua: source text as a list of lines of HTML, by Pandoc's own
-- highlighter. A token is worth few bytes, or a chapter's page would be mostly
-- markup: <i> is a comment, <b> a keyword of C or a label of NASM, <u> a type or
-- what a preprocessor reads, <i class=s> a string. The rest is plain.

local book = require 'book'

local tags = { comment = '<i>%s</i>', word = '<b>%s</b>', type = '<u>%s</u>',
  string = '<i class=s>%s</i>' }

-- The classes of Pandoc's highlighter, in all languages and in single ones.
local kind = { co = 'comment', dt = 'type', pp = 'type', im = 'type', ot = 'type',
  st = 'string', ch = 'string', sc = 'string', ss = 'string', vs = 'string' }
local kind_in = { c = { kw = 'word', cf = 'word' }, nasm = { fu = 'word' } }

local SPAN = '<span class="(%w+)">([^<]*)</span>'

-- Neighbours of a kind become one.
local function join(line)
  local joined, count = line:gsub('(<span class="(%w+)">[^<]*)</span>(%s*)'
    .. '<span class="%2">', '%1%3')
  return count > 0 and join(joined) or joined
end

-- One line of the highlighter's HTML, with our tags in place of its own.
local function slim(line, language)
  local more = kind_in[language] or {}
  line = line:gsub('^<span id="[^"]*"><a [^>]*></a>', ''):gsub('</span>$', '')
  line = join(line:gsub(SPAN, function (class, text)
    class = kind[class] or more[class]
    return class and ('<span class="%s">%s</span>'):format(class, text) or text
  end))
  line = line:gsub(SPAN, function (class, text)
    return tags[class]:format(text)
  end)
  return (line:gsub('&quot;', '"'):gsub('&#39;', "'"):gsub('&gt;', '>'))
end

local function plain(text)
  local lines = {}
  for line in (text .. '\n'):gmatch('(.-)\n') do
    lines[#lines + 1] = book.escape(line)
  end
  return lines
end

return function (text, language)
  if language == 'text' then return plain(text) end
  local block = pandoc.CodeBlock(text, pandoc.Attr('', { language }))
  local html = pandoc.write(pandoc.Pandoc { block }, 'html',
    PANDOC_WRITER_OPTIONS)
  local code = html:match('<code[^>]*>(.*)</code>')
  local lines = {}
  for line in (code .. '\n'):gmatch('(.-)\n') do
    lines[#lines + 1] = slim(line, language)
  end
  -- Empty lines at the end get lost.
  for _ = #lines, select(2, text:gsub('\n', '')) do lines[#lines + 1] = '' end
  return lines
end
