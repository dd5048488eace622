package org.vadose.pe;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.vadose.layout.KernelSymbols;

/**
 * The kernel's system services by number, and the tables that lead to them. The numbers are those of the stubs in the build's ntdll,
 * which stand in that order; the last two services were added after it and their order is inferred. How many arguments each takes is
 * in its documented prototype.
 */
public final class KernelServices {
    private static final int REGISTER_ARGUMENTS = 4;
    private static final int ARGUMENT_BITS = 4;

    private record Service(long rva, int arguments, String name) {}

    private final List<Service> services;

    private KernelServices(List<Service> services) {
        this.services = services;
    }

    static KernelServices read() {
        try (InputStream in = KernelServices.class.getResourceAsStream("ntoskrnl.services")) {
            if (in == null) {
                throw new IllegalStateException("resource is missing name=ntoskrnl.services");
            }
            BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
            List<Service> services = new ArrayList<>();
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                String[] words = line.split(" ");
                services.add(new Service(Long.parseLong(words[0], 16), Integer.parseInt(words[1]), words[2]));
            }
            return new KernelServices(services);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@code KiServiceLimit}. */
    int count() {
        return services.size();
    }

    private static int onStack(Service service) {
        return Math.max(0, service.arguments - REGISTER_ARGUMENTS);
    }

    /** {@code KiServiceTable}: how far from the table each service is, and in the low four bits how many arguments are on the stack. */
    byte[] table() {
        ByteBuffer out = ByteBuffer.allocate(4 * services.size()).order(ByteOrder.LITTLE_ENDIAN);
        for (Service service : services) {
            out.putInt((int) (service.rva - KernelSymbols.KI_SERVICE_TABLE) << ARGUMENT_BITS | onStack(service));
        }
        return out.array();
    }

    /** {@code KiArgumentTable}: a byte a service, four times the arguments on the stack. */
    byte[] arguments() {
        byte[] bytes = new byte[services.size()];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (4 * onStack(services.get(i)));
        }
        return bytes;
    }
}
