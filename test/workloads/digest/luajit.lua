-- Tables, strings, FFI arrays and loops that make the JIT ask for machine code again and again.
local ffi = require("ffi")
local bit = require("bit")

local function digest(name, s)
  local h = 5381
  for i = 1, #s do
    h = bit.bxor(bit.rol(h, 5) + s:byte(i), bit.rshift(h, 3))
  end
  print(name, bit.tohex(h), #s)
end

local function tables(rounds)
  local sum = 0
  for i = 1, rounds do
    local rows = {}
    for j = 1, 30000 do rows[j] = { j, j * i, tostring(j) } end
    for j = 1, #rows do sum = (sum + bit.bxor(rows[j][1], rows[j][2]) + #rows[j][3]) % 2 ^ 40 end
  end
  return sum
end

digest("tables", tostring(tables(12)))

local parts = {}
for i = 1, 100000 do parts[i] = ("word%d "):format(i * 7919 % 100003) end
table.sort(parts)
local text = table.concat(parts)
digest("text", text)
digest("gsub", (text:gsub("word(%d)", "<%1>")))
digest("reverse", text:reverse():upper())
parts = nil
collectgarbage()

-- Strings that grow by doubling: the allocator's huge segments move (mremap).
local s = "0123456789abcdef"
for i = 1, 17 do
  s = s .. s
  digest("double " .. i, s:sub(-4096))
end
s = nil
collectgarbage()
collectgarbage()

for round = 1, 20 do
  local n = 100000 + round * 30011 % 500000
  local a = ffi.new("int32_t[?]", n)
  local zero = true
  for i = 0, n - 1 do zero = zero and a[i] == 0; a[i] = i * round end
  local sum = 0
  for i = 0, n - 1, 97 do sum = bit.tobit(sum * 31 + a[i]) end
  print("ffi", round, zero, sum)
end

-- Many distinct hot functions: traces, machine-code areas, and their release by a flush.
local total = 0
for round = 1, 3 do
  for k = 1, 150 do
    local f = assert(loadstring(("return function(n) local s = %d for i = 1, n do s = (s * 3 + i %% %d) %% 65536 end return s end"):format(k, k + 1)))()
    total = total + f(3000)
  end
  require("jit").flush()
end
print("jit", total)

ffi.cdef [[ int fork(void); int waitpid(int, int *, int); void _exit(int); ]]
local pid = ffi.C.fork()
if pid == 0 then ffi.C._exit(tables(2) > 0 and 9 or 1) end
local status = ffi.new("int[1]")
ffi.C.waitpid(pid, status, 0)
print("fork", bit.rshift(status[0], 8))
digest("tables again", tostring(tables(4)))
os.exit(3, true)
