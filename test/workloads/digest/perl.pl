# Hashes, sorting, regular expressions, long strings and a tree of forked children.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Storable qw(freeze thaw);
$| = 1;

sub digest { printf "%s %s\n", $_[0], substr(sha256_hex($_[1]), 0, 16) }

sub rows {
    my $sum = 0;
    for my $i (1 .. $_[0]) {
        my @rows = map { [$_, $_ * $i, "s$_"] } 1 .. 15000;
        $sum += ($_->[0] ^ $_->[1]) + length $_->[2] for @rows;
    }
    return $sum;
}

digest('rows', rows(8));
my %table = map { ("key$_" => 'v' x ($_ % 60)) } 1 .. 60000;
delete @table{ grep { /7$/ } keys %table };
digest('hash', join ',', map { "$_=$table{$_}" } sort keys %table);
{
    local $Storable::canonical = 1;
    digest('storable', freeze(thaw(freeze(\%table))));
}
my $text = join ' ', sort { $a <=> $b } map { $_ * 7919 % 100003 } 1 .. 100000;
digest('sort', $text);
(my $copy = $text) =~ s/(\d)(\d)/$2$1/g;
digest('regex', $copy);
my @held;
for my $i (1 .. 200) {
    $held[$i % 9] = chr(65 + $i % 26) x (4096 * (1 + $i * $i % 500));
    $held[$i % 9] .= 'tail';
}
digest('blocks', join '', @held);
undef @held;
my @children;
for my $n (1 .. 4) {
    pipe my $r, my $w or die;
    my $pid = fork // die;
    if (!$pid) {
        close $r;
        print $w $n, ' ', rows(2), ' ', sha256_hex($text . ('x' x ($n << 20)));
        close $w;
        exit $n;
    }
    close $w;
    push @children, [$pid, $r];
}
for (@children) {
    my ($pid, $r) = @$_;
    my $line = <$r>;
    waitpid $pid, 0;
    digest('fork', $line . ($? >> 8));
}
digest('spawn', scalar `$^X -e 'print length join "", 1 .. 100000'`);
digest('rows again', rows(4));
exit 3;
