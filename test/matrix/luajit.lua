local sum = 0
for round = 1, 12 do
  local t = {}
  for i = 1, 30000 do t[i] = { i * round, tostring(i) } end
  for i = 1, #t do sum = (sum * 31 + t[i][1] + #t[i][2]) % 4294967291 end
  local text = {}
  for i = 1, 20000 do text[i] = ("%d"):format(i * round) end
  sum = (sum + #table.concat(text, ",")) % 4294967291
end
print(sum)
os.exit(3)
