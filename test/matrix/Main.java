import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.stream.IntStream;

public class Main {
    static String work(int seed) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (int round = 0; round < 5; round++) {
                ArrayList<String> strings = new ArrayList<>();
                for (int i = 0; i < 20000; i++) strings.add((i * seed + round) + "java");
                strings.sort(null);
                digest.update(String.join(",", strings).getBytes());
                digest.update(new byte[300000]);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (Exception e) {
            throw new RuntimeException(e);
        }
    }

    public static void main(String[] arguments) {
        IntStream.range(1, 4).parallel().mapToObj(Main::work).sorted().forEachOrdered(System.out::println);
        System.exit(3);
    }
}
