# Some thousands of forks, and children that run programs.
i=0
sum=0
while [ $i -lt 1500 ]; do
  n=$(echo $((i % 7)))
  sum=$((sum + n))
  i=$((i + 1))
done
for n in 1 2 3 4 5 6 7 8 9 10; do seq $((n * 5000)) | sort -n | tail -n 1; done
echo $sum
exit 3
