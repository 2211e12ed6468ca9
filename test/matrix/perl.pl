use strict; use warnings; use Digest::SHA;
my $sha = Digest::SHA->new(256);
for my $round (1 .. 6) {
    my %h = map { ($_ => "p" x ($_ * $round % 700)) } 1 .. 12000;
    $sha->add(join ",", map { "$_$h{$_}" } sort keys %h);
}
my $pid = fork // die;
if (!$pid) { my @a = map { "c" x $_ } 1 .. 3000; exit(@a / 1000) }
waitpid $pid, 0;
print $sha->hexdigest, " ", $? >> 8, "\n";
exit 3;
