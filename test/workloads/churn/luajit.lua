-- Tables built and dropped: records in segments of 128 KB, merged and unmapped together; arrays that
-- grow, by mremap.
local sum = 0
for i = 1, 120 do
  local rows, numbers = {}, {}
  for j = 1, 60000 do rows[j] = { j, i } end
  for j = 1, 200000 do numbers[j] = j end
  sum = sum + #rows + #numbers
end
print(sum)
