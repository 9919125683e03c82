-- What wrk sends and how it judges the answers; benchmarks/serving/load.py writes the requests and reads
-- what is printed. Each of wrk's threads has one connection, so an answer is that of the request
-- before it.
local folder, order, all = nil, {}, {}
local at, asked, threads = 0, nil, {}

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

function setup(thread)
  thread:set("number", #threads)
  table.insert(threads, thread)
end

function init(arguments)
  folder = arguments[1]
  for line in io.lines(folder .. "/order") do
    table.insert(order, line)
    if not all[line] then
      all[line] = { read(folder .. "/" .. line .. ".request"), read(folder .. "/" .. line .. ".wanted") }
    end
  end
  at = math.floor(number * #order / arguments[2]) -- threads begin in different places
  right, wrong, said = {}, {}, {} -- global, for `done` to get
end

function request()
  at = at % #order + 1
  asked = order[at]
  return all[asked][1]
end

-- A file of what is wanted has the status, the kind of content, and a piece of the text.
function response(status, headers, body)
  local state, kind, piece = all[asked][2]:match("^(%d+)\n([^\n]*)\n(.*)$")
  local found = headers["content-type"] or headers["Content-Type"] or ""
  if status == tonumber(state) and found == kind and body:find(piece, 1, true) then
    right[asked] = (right[asked] or 0) + 1
  else
    wrong[asked] = (wrong[asked] or 0) + 1
    said[asked] = status .. " " .. found .. " " .. body:sub(1, 500):gsub("%s+", " ")
  end
end

function done(summary, latency)
  for _, thread in ipairs(threads) do
    for _, name in ipairs({ "right", "wrong", "said" }) do
      for which, what in pairs(thread:get(name)) do
        print(name, which, what)
      end
    end
  end
  for _, name in ipairs({ "connect", "read", "write", "timeout" }) do
    print("failed", name, summary.errors[name])
  end
  print("seconds", summary.duration / 1e6)
  for _, share in ipairs({ 50, 99, 99.9 }) do
    print("latency", share, latency:percentile(share) / 1e3)
  end
end
