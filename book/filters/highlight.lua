-- highlight.lua: source text as a list of lines of HTML, by Pandoc's own
-- highlighter. Only the classes that the theme draws are written: co comments,
-- st strings, dt types, pp preprocessor, ot directives, kw keywords of C, fu
-- labels of NASM.

local book = require 'book'

local kept = { co = 'co', dt = 'dt', pp = 'pp', im = 'pp', ot = 'ot', st = 'st',
  ch = 'st', sc = 'st', ss = 'st', vs = 'st' }
local kept_in = { c = { kw = 'kw', cf = 'kw' }, nasm = { fu = 'fu' } }

local function slim_token(language)
  local more = kept_in[language] or {}
  return function (class, text)
    class = kept[class] or more[class]
    return class and ('<span class="%s">%s</span>'):format(class, text) or text
  end
end

local function slim(line, token)
  line = line:gsub('^<span id="[^"]*"><a [^>]*></a>', ''):gsub('</span>$', '')
  line = line:gsub('<span class="(%w+)">(.-)</span>', token)
  return (line:gsub('&quot;', '"'):gsub('&#39;', "'")
    :gsub('(<span class="(%w+)">[^<]*)</span><span class="%2">', '%1'))
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
  local token = slim_token(language)
  for line in (code .. '\n'):gmatch('(.-)\n') do
    lines[#lines + 1] = slim(line, token)
  end
  return lines
end
