-- Tables built and dropped: segments of 128 KB, merged and unmapped together.
local sum = 0
for i = 1, 120 do
  local rows = {}
  for j = 1, 60000 do rows[j] = { j, i } end
  sum = sum + #rows
end
print(sum)
